"""Puts insights into permanent topics: join a close topic, else wait in the pool, else found a topic with others.

Pure functions over arrays; nothing that was placed ever moves. Same input in the same order, same output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nlp.bars import LEARNED_BIRTH, USUAL_SPREAD, Bars, measure_spread, set_bars
from nlp.coherence import Wording
from nlp.embedding import Vectors
from nlp.resolution import Fit, choose_cut, measure_fit

UNPLACED = 0
MIN_BIRTH_SIZE = 3
PAIRS_UNTIL = 500  # insights
MIN_BIRTH_SHARE = 0.0007  # of all insights
CANDIDATES = 12  # topics, nearest on average, that are looked at closely
SAME_MAIL_PENALTY = 0.1  # two sentences of one mail seldom mean the same: their author would not say it twice
POOL_LIMIT = 5_000  # newest unplaced insights that are clustered
BATCH = 5_000


class Likeness(Protocol):
    """How alike insights are, where something better than their vectors is known."""

    def between(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> Vectors:
        """(n, m), 0 to 1. rows, others: of the crowd, all of them comparable."""
        ...

    def chances(self, rows: NDArray[np.intp]) -> Vectors | None:
        """(n, n) of meaning the same; None where they are not known. rows: of the crowd, all of them comparable."""
        ...

    @property
    def comparable(self) -> NDArray[np.bool_]:
        """(n,) of the crowd: every unplaced insight and enough of every topic."""
        ...


@dataclass(frozen=True, slots=True)
class Crowd:
    """All insights in order of arrival. vectors: (n, d). topics: (n,) carrying topic ids, 0 = unplaced.

    messages, companies: (n,) numbers that are equal when mail or company is. likeness: None when vectors decide; then
    wording tells chatter, where it is known.
    """

    vectors: Vectors
    topics: NDArray[np.int64]
    messages: NDArray[np.int64]
    companies: NDArray[np.int64]
    likeness: Likeness | None = None
    wording: Wording | None = None

    def between(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> Vectors:
        """(n, m) similarities by what is known best."""
        if self.likeness is not None:
            return self.likeness.between(rows, others)
        return np.asarray(self.vectors[rows] @ self.vectors[others].T, dtype=np.float32)

    def comparable(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of the rows that `between` takes."""
        return rows if self.likeness is None else rows[self.likeness.comparable[rows]]


@dataclass(frozen=True, slots=True)
class Placed:
    """One insight found its topic. row: in the crowd. similarity: with that topic, at that moment."""

    row: int
    topic: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Placement:
    """What one run decided. born: ids of new topics, in order. next_topic: the id that the next one would get."""

    placed: tuple[Placed, ...]
    born: tuple[int, ...]
    next_topic: int


@dataclass(frozen=True, slots=True)
class TopicScores:
    """topics: (k,) ids, ascending. scores: (m, k), row by topic."""

    topics: NDArray[np.int64]
    scores: Vectors


def place_insights(
    crowd: Crowd, next_topic: int, density: float, shift: float = 0.0, *, groups_first: bool = False
) -> Placement:
    """Place what is unplaced. next_topic: the id of the first topic to be born. density, shift: see `set_bars`.

    groups_first: what is alike is grouped before it looks for a topic; else the few topics that stand when everything
    else is grouped anew would draw in whatever is a little like them, one by one.
    A long backlog is taken in batches in order of arrival: loading years of mail needs no more memory than a week.
    """
    topics = crowd.topics.copy()
    spread = USUAL_SPREAD if crowd.likeness is not None else measure_spread(crowd.vectors)
    bars = set_bars(density, len(topics), learned_birth=tell_birth(crowd), shift=shift, spread=spread)
    waiting = np.flatnonzero(topics == UNPLACED)
    placed: list[Placed] = []
    born: list[int] = []
    for end in (*range(BATCH, len(waiting), BATCH), len(waiting)):
        pool = waiting[:end][topics[waiting[:end]] == UNPLACED][-POOL_LIMIT:]
        joined = [] if groups_first else _join_topics(crowd, topics, pool, bars)
        pool = _settle(joined, topics, pool)
        grouped = _group_pool(crowd, topics, pool, bars, next_topic + len(born))
        pool = _settle(grouped, topics, pool)
        changed = np.array(sorted({one.topic for one in grouped}), dtype=np.int64)
        followed = _join_topics(crowd, topics, pool, bars, among=None if groups_first else changed)
        _settle(followed, topics, pool)
        placed.extend((*joined, *grouped, *followed))
        born.extend(int(topic) for topic in changed if topic >= next_topic + len(born))
    return Placement(tuple(placed), tuple(born), next_topic + len(born))


def tell_fit(crowd: Crowd, topics: NDArray[np.int64]) -> Fit | None:
    """How well these topics (n,) fit by what is known of all pairs; None where little is."""
    if crowd.likeness is None:
        return None
    rows = np.flatnonzero(crowd.likeness.comparable)
    chances = crowd.likeness.chances(rows)
    return None if chances is None else measure_fit(_similarity_across_mails(crowd, rows), chances, topics[rows])


def tell_birth(crowd: Crowd) -> float | None:
    """From how much likeness on a group is born in this mailbox; None where vectors decide."""
    if crowd.likeness is None:
        return None
    rows = np.flatnonzero(crowd.likeness.comparable)
    chances = crowd.likeness.chances(rows)
    cut = None if chances is None else choose_cut(_similarity_across_mails(crowd, rows), chances)
    return LEARNED_BIRTH if cut is None else cut


def score_averages(crowd: Crowd, topics: NDArray[np.int64], rows: NDArray[np.intp]) -> TopicScores:
    """Average-link similarity of each row with each topic that has members."""
    from scipy.sparse import csr_matrix

    members = np.flatnonzero(topics != UNPLACED)
    ids, which = np.unique(topics[members], return_inverse=True)
    shape = (len(ids), len(topics))
    membership = csr_matrix((np.ones(len(members), dtype=np.float32), (which, members)), shape=shape)
    counts = np.bincount(which, minlength=len(ids)).astype(np.float32)
    means = np.asarray(membership @ crowd.vectors, dtype=np.float32) / counts[:, None]
    return TopicScores(ids, crowd.vectors[rows] @ means.T)


def look_closely(
    crowd: Crowd, topics: NDArray[np.int64], rows: NDArray[np.intp], averages: TopicScores, bars: Bars
) -> TopicScores:
    """Blend in, for the topics that are nearest on average, how near a row is to their nearest members.

    Where a likeness is known, it alone counts, and other topics than the nearest ones score 0.
    """
    scores = averages.scores.copy() if crowd.likeness is None else np.zeros_like(averages.scores)
    width = min(CANDIDATES, len(averages.topics))
    candidates = np.argpartition(-averages.scores, width - 1, axis=1)[:, :width]
    order = np.argsort(topics, kind="stable")
    starts = np.searchsorted(topics[order], averages.topics, side="left")
    ends = np.searchsorted(topics[order], averages.topics, side="right")
    near_topics, near_rows = candidates.ravel(), np.repeat(np.arange(len(rows)), width)
    by_topic = np.argsort(near_topics, kind="stable")
    for group in np.split(by_topic, np.flatnonzero(np.diff(near_topics[by_topic])) + 1):
        topic, near = int(near_topics[group[0]]), near_rows[group]
        members = crowd.comparable(order[starts[topic] : ends[topic]])
        similarity = crowd.between(rows[near], members)
        on_average = averages.scores[near, topic] if crowd.likeness is None else similarity.mean(axis=1)
        nearest = _mean_of_nearest(similarity, bars.near_members)
        scores[near, topic] = bars.near_share * nearest + (1 - bars.near_share) * on_average
    return TopicScores(averages.topics, scores)


def _settle(placed: Sequence[Placed], topics: NDArray[np.int64], pool: NDArray[np.intp]) -> NDArray[np.intp]:
    """Note the placements in `topics`; returns the rest of the pool."""
    for one in placed:
        topics[one.row] = one.topic
    rest: NDArray[np.intp] = pool[topics[pool] == UNPLACED]
    return rest


def _join_topics(
    crowd: Crowd,
    topics: NDArray[np.int64],
    pool: NDArray[np.intp],
    bars: Bars,
    among: NDArray[np.int64] | None = None,
) -> list[Placed]:
    """among: the topics to join, all by default."""
    eligible = topics if among is None else np.where(np.isin(topics, among), topics, UNPLACED)
    averages = score_averages(crowd, eligible, pool)
    if not len(averages.topics) or not len(pool):
        return []
    found = look_closely(crowd, eligible, pool, averages, bars)
    best = found.scores.argmax(axis=1)
    similarity = found.scores[np.arange(len(pool)), best]
    fitting = similarity >= bars.join
    if crowd.wording is not None:
        for topic in np.unique(best[fitting]):
            joining = np.flatnonzero(fitting & (best == topic))
            members = np.flatnonzero(topics == found.topics[topic])
            fitting[joining] = crowd.wording.fits(pool[joining], members)
    return [
        Placed(int(row), int(found.topics[topic]), float(value))
        for row, topic, value, is_fitting in zip(pool, best, similarity, fitting, strict=True)
        if is_fitting
    ]


def _group_pool(
    crowd: Crowd, topics: NDArray[np.int64], pool: NDArray[np.intp], bars: Bars, next_topic: int
) -> list[Placed]:
    if len(pool) < 2:
        return []
    bars = bars.grouping(len(pool))
    similarity = _similarity_across_mails(crowd, pool)
    averages = score_averages(crowd, topics, pool)
    found: list[Placed] = []
    known = int((topics != UNPLACED).sum()) + len(pool)
    for group in _cluster(similarity, bars.birth):
        if not _may_be_born(crowd.companies[pool[group]], similarity[np.ix_(group, group)], known, bars):
            continue
        if crowd.wording is not None and not crowd.wording.is_one_matter(pool[group]):
            continue
        topic = next_topic
        if len(averages.topics):
            nearest, closeness = _closest_topic(crowd, topics, pool[group], averages, group)
            if closeness >= bars.group_join:
                topic = nearest
        next_topic += topic == next_topic
        found.extend(
            Placed(int(pool[one]), topic, float(np.delete(similarity[one, group], place).mean()))
            for place, one in enumerate(group)
        )
    return found


def _closest_topic(
    crowd: Crowd, topics: NDArray[np.int64], rows: NDArray[np.intp], averages: TopicScores, group: NDArray[np.intp]
) -> tuple[int, float]:
    """(topic, mean similarity of all pairs) of the topic that a group is closest to. group: its rows of `averages`."""
    closeness = averages.scores[group].mean(axis=0)
    if crowd.likeness is None:
        return int(averages.topics[closeness.argmax()]), float(closeness.max())
    width = min(CANDIDATES, len(closeness))
    candidates = averages.topics[np.argpartition(-closeness, width - 1)[:width]]
    scores = [
        float(crowd.between(rows, crowd.comparable(np.flatnonzero(topics == topic))).mean()) for topic in candidates
    ]
    best = int(np.argmax(scores))
    return int(candidates[best]), scores[best]


def _similarity_across_mails(crowd: Crowd, rows: NDArray[np.intp]) -> Vectors:
    similarity = crowd.between(rows, rows)
    messages = crowd.messages[rows]
    similarity[messages[:, None] == messages[None, :]] -= np.float32(SAME_MAIL_PENALTY)
    return similarity


def _cluster(similarity: Vectors, min_similarity: float) -> list[NDArray[np.intp]]:
    """Average linkage; groups in the order of their oldest insight."""
    from sklearn.cluster import AgglomerativeClustering

    model = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - min_similarity
    )
    labels = model.fit_predict(np.clip(1 - similarity, 0, 2))
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return sorted(groups, key=lambda group: int(group[0]))


def _may_be_born(companies: NDArray[np.int64], similarity: Vectors, known: int, bars: Bars) -> bool:
    if len(companies) == 2 and known < PAIRS_UNTIL:
        return bool(companies[0] != companies[1] and similarity[0, 1] >= bars.birth + bars.pair)
    return len(companies) >= max(MIN_BIRTH_SIZE, MIN_BIRTH_SHARE * known)


def _mean_of_nearest(similarity: Vectors, members: int) -> Vectors:
    count = min(members, similarity.shape[1])
    nearest = -np.partition(-similarity, count - 1, axis=1)[:, :count]
    return np.asarray(nearest.mean(axis=1), dtype=np.float32)
