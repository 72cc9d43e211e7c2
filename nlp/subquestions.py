"""Divides a topic into the parts of its question: the outline of what is to be written. Pure.

The outline is drawn from the insights that came first, and drawn again when the topic has grown by half. In between,
one more insight joins the part that it is like or stands alone; no other insight changes its part.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage

from nlp.embedding import Vectors, unit_rows
from nlp.inside_records import Show, Subquestion, show_as_is
from nlp.phrasing import weigh_phrasing
from nlp.readings import readings_of
from nlp.records import StoredInsight
from nlp.space import keep_common_columns

MOST_SHOWN = 8
MOST_PARTS = 12  # the smallest are not shown
FIRST_PARTS, INSIGHTS_PER_PART = 2, 3
SAME = 0.86  # similarity from which two parts are one, as long as a few are left
EQUAL = 0.98  # similarity from which they are one in any case
UNLIKE = 0.2  # similarity below which parts stay apart, however many there are
NEAR = 0.5  # similarity from which a late insight belongs to a part rather than to none
FOUNDERS = 36  # insights of a large topic from which its outline is drawn, spread evenly
GROWTH = 1.5
FEW_PARTS, ENOUGH_INSIGHTS = 3, 6
ENOUGH_COMPANIES = 12  # from here on, what only one of them asks is no part of the outline
TRIED_PHRASINGS = 4


def find_subquestions(
    insights: Sequence[StoredInsight], vectors: Vectors, show: Show = show_as_is, language: str = ""
) -> tuple[Subquestion, ...]:
    """At most eight parts, asked by most companies first; as many as there are insights in a tiny topic.

    insights: of one topic. vectors: (n, d), the row of each insight, zero when it has none.
    language: in which a part is worded when anybody said it so; "" prefers none.
    """
    order = sorted((row for row, insight in enumerate(insights) if not insight.inferred), key=lambda r: insights[r].id)
    said = [insights[row] for row in order]
    if not said:
        return ()
    rows = unit_rows(keep_common_columns(vectors[order]))
    # Products this small take longer on two threads that wait for each other, ten times so on a busy machine.
    with _threads().limit(limits=1, user_api="blas"):
        divided = divide_rows(rows)
    parts = [(part, len({said[row].company for row in part})) for part in divided]
    parts.sort(key=lambda part: (-part[1], -len(part[0]), said[part[0][0]].id))
    if len({insight.company for insight in said}) >= ENOUGH_COMPANIES:
        parts = [part for place, part in enumerate(parts) if part[1] > 1 or place < FEW_PARTS]
    shown: list[Subquestion] = []
    for part, companies in parts:
        if len(shown) == MOST_SHOWN:
            break
        found = _describe([said[row] for row in part], rows[part], companies, show, language)
        if found:
            shown.append(found)
    return tuple(shown)


@cache
def _threads() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def divide_rows(rows: Vectors) -> list[list[int]]:
    """Row numbers of each part. rows: (n, d) unit rows in order of arrival."""
    founders = _founders(len(rows))
    parts = [[founders[place] for place in part] for part in _draw_outline(rows[founders] @ rows[founders].T)]
    later = sorted(set(range(len(rows))) - set(founders))
    if later:
        means = np.stack([rows[part].mean(axis=0) for part in parts])
        closeness = rows[later] @ means.T
        for row, part, similarity in zip(later, closeness.argmax(axis=1), closeness.max(axis=1), strict=True):
            if similarity >= NEAR:
                parts[part].append(row)
            else:
                parts.append([row])
    return [sorted(part) for part in parts]


def _founders(count: int) -> list[int]:
    """The insights that were there when the outline was last drawn; of many an even sample."""
    drawn = 1
    while int(max(drawn + 1, drawn * GROWTH)) <= count:
        drawn = int(max(drawn + 1, drawn * GROWTH))
    return sorted({place * drawn // FOUNDERS for place in range(FOUNDERS)}) if drawn > FOUNDERS else list(range(drawn))


def _draw_outline(similarity: Vectors) -> list[list[int]]:
    """The founders of each part, the earliest first: average linkage, cut where enough parts are left."""
    count = len(similarity)
    if count == 1:
        return [[0]]
    upper = np.triu_indices(count, 1)
    tree = linkage(np.clip(1 - similarity[upper], 0, 2).astype(np.float64), "average")
    wanted = min(MOST_PARTS, FIRST_PARTS + count // INSIGHTS_PER_PART, count)
    fewest = FEW_PARTS if count >= ENOUGH_INSIGHTS else 1
    height = max(_height(tree, wanted), min(1 - SAME, _height(tree, fewest)), 1 - EQUAL)
    return cut_tree(tree, min(height, 1 - UNLIKE))


def cut_tree(tree: NDArray[np.float64], height: float) -> list[list[int]]:
    """What scipy's `fcluster` does by distance, without its checks, which take longer than the rest of a small tree."""
    count = len(tree) + 1
    groups = {founder: [founder] for founder in range(count)}
    for born, (one, other, distance, _) in enumerate(tree.tolist(), start=count):
        if distance <= height:
            groups[born] = groups.pop(int(one)) + groups.pop(int(other))
    return sorted(map(sorted, groups.values()))


def _height(tree: NDArray[np.float64], parts: int) -> float:
    """Where to cut so that so many parts are left."""
    return float(tree[len(tree) - parts, 2]) if parts <= len(tree) else 0.0


def _describe(
    insights: Sequence[StoredInsight], rows: Vectors, companies: int, show: Show, language: str
) -> Subquestion | None:
    """None when no phrasing can be shown."""
    closeness = rows @ rows.sum(axis=0)
    central = sorted(range(len(insights)), key=lambda row: (-round(float(closeness[row]), 4), insights[row].id))
    central.sort(key=lambda row: bool(language) and insights[row].language != language)
    preferred = sum(one.language == language for one in insights) or len(insights)
    tried = list(range(min(TRIED_PHRASINGS, preferred)))
    weights = [weigh_phrasing(insights[central[place]]) for place in tried] if len(tried) > 1 else []
    if weights:
        tried.sort(key=lambda place: place + weights[place])
    best_first = [insights[central[place]] for place in (*tried, *range(len(tried), len(central)))]
    known = {insights[central[place]].id: weight for place, weight in enumerate(weights)}
    for insight in best_first:
        text = show(_best_reading(insight, known.get(insight.id)))
        if text:
            ids = tuple(one.id for one in best_first)
            return Subquestion(text, insight.language, str(insight.kind), insight.id, companies, ids)
    return None


def _best_reading(insight: StoredInsight, weight: float | None) -> str:
    """Weighing is most of the work: one that stands alone needs none, nor does the whole text once more (`weight`)."""
    readings = readings_of(insight.text, insight.language)
    if len(readings) == 1:
        return readings[0]
    known = {} if weight is None else {insight.text: weight}
    return min(readings, key=lambda text: known[text] if text in known else weigh_phrasing(insight, text=text))
