"""Looks inside topics for the pages: outline, keywords, vocabulary, neighbours; again only where something changed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sqlite_utils import Database

from digest.outline_store import load_outlines, save_outlines
from digest.page_records import Outline, SubQuestion, Voice, WordUse
from digest.site_content import Showing
from harvester.config import Company
from nlp.embedding import Vectors, unit_rows
from nlp.inside import align_vectors
from nlp.inside_records import Show
from nlp.keywords import find_keywords, is_harmless
from nlp.naming import main_language
from nlp.records import StoredInsight
from nlp.store import load_some_vectors, order_by_centrality
from nlp.subquestions import find_subquestions
from nlp.vector_store import load_setting
from nlp.vocabulary import find_vocabulary
from nlp.wording import read_exchanges, words_in

VERSION = "2"  # of what is kept: another one is looked at again
MOST_CENTRAL = 400
MOST_AT_ONCE = 10_000  # insights
ENOUGH_CONTRAST = 20_000  # insights of other topics, against which the words of a topic stand out
MOST_RELATED = 4
NEAR = 0.45  # similarity of middles from which two topics are neighbours
MOST_WORDS = 200


def look_at_outlines(
    database: Database,
    topics: Mapping[int, tuple[StoredInsight, ...]],
    first: Sequence[int],
    show: Show,
    own_words: frozenset[str],
) -> dict[int, Outline]:
    """What lies inside topics: of a huge archive that was never looked at, some more with each build.

    first: topic ids, the most important first. show: redacts. own_words: what we are called ourselves, no keyword.
    """
    model = load_setting(database, "model") or ""
    marks = {topic: _fingerprint(insights, model) for topic, insights in topics.items()}
    known = load_outlines(database)
    stale = [topic for topic in first if topic in marks and (topic not in known or known[topic][0] != marks[topic])]
    stale = _some(stale, topics)
    among = _contrast(stale, first, topics)
    language = main_language([insight for insights in topics.values() for insight in insights])
    looked = _look(database, among, stale, show, own_words, language)
    fresh = {topic: (marks[topic], one) for topic, one in looked}
    if fresh:
        save_outlines(database, fresh)
    return {topic: (fresh.get(topic) or known[topic])[1] for topic in topics if topic in fresh or topic in known}


def own_words_of(company: Company) -> frozenset[str]:
    """What we are called ourselves: nobody needs to be told that a topic is about us."""
    names = (company.name, *(domain.split(".")[0] for domain in company.domains))
    return frozenset(word.casefold() for word in words_in(" ".join(names)))


def show_outline(outline: Outline, voices: Mapping[int, Voice]) -> tuple[SubQuestion, ...]:
    """The parts of a topic's question whose phrasing may be shown."""
    return tuple(
        SubQuestion(voices[insight].text, voices[insight].language, companies, count)
        for insight, companies, count in outline.parts
        if insight in voices
    )


def show_keywords(outline: Outline, show: Show) -> tuple[str, ...]:
    """The words that set a topic apart, without those that became somebody's name meanwhile."""
    return tuple(word for word in outline.keywords if is_harmless(word, show))


def near_topics(outlines: Mapping[int, Outline]) -> dict[int, tuple[int, ...]]:
    """topic -> its neighbours, the nearest first."""
    numbers = [topic for topic, one in outlines.items() if len(one.middle)]
    if len(numbers) < 2:
        return {}
    rows = unit_rows(np.stack([outlines[topic].middle for topic in numbers]))
    rows = unit_rows(rows - rows.mean(axis=0)) if len(numbers) > 2 else rows
    near = {}
    for place, topic in enumerate(numbers):
        closeness = rows @ rows[place]
        closeness[place] = -1
        order = np.argsort(-closeness, kind="stable")[:MOST_RELATED]
        near[topic] = tuple(numbers[other] for other in order if closeness[other] >= NEAR)
    return near


def gather_words(outlines: Mapping[int, Outline], show: Show) -> tuple[WordUse, ...]:
    """Their words and ours over all topics; companies: as many as used it in the topic that uses it most."""
    found: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    spelled: dict[tuple[str, str], tuple[str, str]] = {}
    for topic, one in outlines.items():
        for theirs, ours, companies, answers in one.words:
            key = (theirs.casefold(), ours.casefold())
            spelled.setdefault(key, (theirs, ours))
            found.setdefault(key, []).append((companies, answers, topic))
    words = [
        WordUse(
            *spelled[key],
            companies=max(companies for companies, _, _ in uses),
            answers=sum(answers for _, answers, _ in uses),
            topics=tuple(topic for _, _, topic in sorted(uses, reverse=True)),
        )
        for key, uses in found.items()
    ]
    words.sort(key=lambda word: (not word.theirs, -word.companies, -word.answers, word.theirs, word.ours))
    shown = (word for word in words if all(is_harmless(text, show) for text in (word.theirs or "a", word.ours)))
    return tuple(word for word, _ in zip(shown, range(MOST_WORDS), strict=False))


def _look(
    database: Database,
    topics: Mapping[int, Sequence[StoredInsight]],
    stale: Sequence[int],
    show: Show,
    own_words: frozenset[str],
    language: str,
) -> Iterator[tuple[int, Outline]]:
    if not stale:
        return
    model = load_setting(database, "model") or ""
    said = {topic: read_exchanges(insights) for topic, insights in topics.items()}
    keywords = find_keywords(said, lambda text: None if text.casefold() in own_words else show(text), language)
    vocabulary = find_vocabulary(said, show)
    del said
    for topic in stale:
        insights = topics[topic]
        vectors = align_vectors(insights, *load_some_vectors(database, model, [one.id for one in insights]))
        rows = {one.id: row for row, one in enumerate(insights)}
        yield (
            topic,
            Outline(
                central=order_by_centrality([one.id for one in insights], vectors, rows)[:MOST_CENTRAL],
                parts=tuple(
                    (part.insight, part.companies, len(part.insights))
                    for part in find_subquestions(insights, vectors, show, language)
                ),
                keywords=tuple(word.text for word in keywords[topic]),
                words=tuple((one.theirs, one.ours, one.companies, one.answers) for one in vocabulary[topic]),
                middle=_middle(vectors),
            ),
        )


def _some(stale: Sequence[int], topics: Mapping[int, Sequence[StoredInsight]]) -> list[int]:
    """As many of the first as one build can look at without keeping its readers waiting."""
    taken: list[int] = []
    size = 0
    for topic in stale:
        size += len(topics[topic])
        if taken and size > MOST_AT_ONCE:
            break
        taken.append(topic)
    return taken


def _contrast(
    stale: Sequence[int], first: Sequence[int], topics: Mapping[int, tuple[StoredInsight, ...]]
) -> dict[int, tuple[StoredInsight, ...]]:
    """These topics and enough of the others."""
    among = {topic: topics[topic] for topic in stale}
    size = 0
    for topic in first if stale else ():
        if size >= ENOUGH_CONTRAST:
            break
        if topic in topics and topic not in among:
            among[topic] = topics[topic]
            size += len(topics[topic])
    return among


def _middle(vectors: Vectors) -> Vectors:
    middle: Vectors = vectors.mean(axis=0).astype(np.float32) if len(vectors) else np.zeros(0, dtype=np.float32)
    return middle


def _fingerprint(insights: Sequence[StoredInsight], model: str) -> str:
    numbers = [insight.id for insight in insights]
    return f"{VERSION} {model} {len(numbers)} {max(numbers, default=0)} {sum(numbers)}"


def make_show(showing: Showing) -> Show:
    """A text as it may be shown, None when it may not."""
    redaction = showing.redaction

    def show(text: str) -> str | None:
        shown = redaction.redact(text)
        return shown if redaction.is_safe(shown) else None

    return show
