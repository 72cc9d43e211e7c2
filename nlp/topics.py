"""Puts insights into permanent topics: join a close topic, else wait in the pool, else found a topic with others.

Pure functions over arrays; nothing that was placed ever moves. Same input in the same order, same output.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors

UNPLACED = 0
# The similarity that means "the same": lower in long prose of few companies than among thousands of short requests.
LOOSE_SIMILARITY, DENSE_SIMILARITY = 0.45, 0.6
GROUP_JOIN_BONUS = (
    0.05  # a group from the pool joins a topic more easily: a mean over many pairs is surer than one insight
)
YOUNG_INSIGHTS = 150  # below this, neighbours are few and chance is strong: births ask for more
YOUNG_BIRTH_MALUS = 0.1
YOUNG_JOIN_MALUS = 0.05
MIN_BIRTH_SIZE = 3
PAIR_MALUS = 0.15  # in a small mailbox two companies found a topic if they are this much more alike
PAIRS_UNTIL = 500  # insights
MIN_BIRTH_SHARE = 0.0007  # of all insights
NEAR_SHARE = 0.7  # how much the nearest members of a topic weigh against the average of all
NEAR_MEMBERS = 10
CANDIDATES = 10  # topics, nearest on average, that are looked at closely
SAME_MAIL_PENALTY = 0.1  # two sentences of one mail seldom mean the same: their author would not say it twice
POOL_LIMIT = 5_000  # newest unplaced insights that are clustered
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Crowd:
    """All insights in order of arrival. vectors: (n, d). topics: (n,) carrying topic ids, 0 = unplaced.

    messages, companies: (n,) numbers that are equal when mail or company is.
    """

    vectors: Vectors
    topics: NDArray[np.int64]
    messages: NDArray[np.int64]
    companies: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bars:
    """Similarities from which on an insight joins a topic, a group joins one, a group is born (average linkage)."""

    join: float
    group_join: float
    birth: float


@dataclass(frozen=True, slots=True)
class Placed:
    """One insight found its topic. row: in the crowd. similarity: with that topic, at that moment."""

    row: int
    topic: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Placement:
    """What one run decided. born: ids of new topics, in order."""

    placed: tuple[Placed, ...]
    born: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopicScores:
    """topics: (k,) ids, ascending. averages: (m, k) average link. scores: (m, k) blended with the nearest members."""

    topics: NDArray[np.int64]
    scores: Vectors
    averages: Vectors


def set_bars(density: float, insights: int) -> Bars:
    """density: 0 where insights are hardly alike to 1 where many are. insights: how many the mailbox holds."""
    similarity = LOOSE_SIMILARITY + (DENSE_SIMILARITY - LOOSE_SIMILARITY) * density
    youth = max(0.0, 1 - insights / YOUNG_INSIGHTS)
    return Bars(
        join=similarity + YOUNG_JOIN_MALUS * youth,
        group_join=similarity - GROUP_JOIN_BONUS,
        birth=similarity + YOUNG_BIRTH_MALUS * youth,
    )


def place_insights(crowd: Crowd, next_topic: int, density: float) -> Placement:
    """Place what is unplaced. next_topic: the id of the first topic to be born. density: see `set_bars`.

    A long backlog is taken in batches in order of arrival: loading years of mail needs no more memory than a week.
    """
    topics = crowd.topics.copy()
    bars = set_bars(density, len(topics))
    waiting = np.flatnonzero(topics == UNPLACED)
    placed: list[Placed] = []
    born: list[int] = []
    for end in (*range(BATCH, len(waiting), BATCH), len(waiting)):
        pool = waiting[:end][topics[waiting[:end]] == UNPLACED][-POOL_LIMIT:]
        for step in (_join_topics, _group_pool, _join_topics):
            found = step(crowd, topics, pool, next_topic + len(born), bars)
            for one in found:
                topics[one.row] = one.topic
            placed.extend(found)
            born.extend(sorted({one.topic for one in found if one.topic >= next_topic + len(born)}))
            pool = pool[topics[pool] == UNPLACED]
    return Placement(tuple(placed), tuple(born))


def score_topics(crowd: Crowd, topics: NDArray[np.int64], rows: NDArray[np.intp]) -> TopicScores:
    """How close each row is to each topic that has members."""
    members = np.flatnonzero(topics != UNPLACED)
    ids, which = np.unique(topics[members], return_inverse=True)
    sums = np.zeros((len(ids), crowd.vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, which, crowd.vectors[members])
    counts = np.bincount(which, minlength=len(ids)).astype(np.float32)
    averages = crowd.vectors[rows] @ sums.T / counts
    scores = averages.copy()
    if not len(ids):
        return TopicScores(ids, scores, averages)
    width = min(CANDIDATES, len(ids))
    candidates = np.argpartition(-averages, width - 1, axis=1)[:, :width]
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(counts.astype(np.intp))
    for topic in np.unique(candidates):
        near = np.flatnonzero((candidates == topic).any(axis=1))
        own = members[order[ends[topic] - int(counts[topic]) : ends[topic]]]
        nearest = _mean_of_nearest(crowd.vectors[rows[near]] @ crowd.vectors[own].T)
        scores[near, topic] = NEAR_SHARE * nearest + (1 - NEAR_SHARE) * averages[near, topic]
    return TopicScores(ids, scores, averages)


def _join_topics(
    crowd: Crowd, topics: NDArray[np.int64], pool: NDArray[np.intp], next_topic: int, bars: Bars
) -> list[Placed]:
    found = score_topics(crowd, topics, pool)
    if not len(found.topics) or not len(pool):
        return []
    best = found.scores.argmax(axis=1)
    similarity = found.scores[np.arange(len(pool)), best]
    return [
        Placed(int(row), int(found.topics[topic]), float(value))
        for row, topic, value in zip(pool, best, similarity, strict=True)
        if value >= bars.join
    ]


def _group_pool(
    crowd: Crowd, topics: NDArray[np.int64], pool: NDArray[np.intp], next_topic: int, bars: Bars
) -> list[Placed]:
    if len(pool) < 2:
        return []
    similarity = _pool_similarity(crowd, pool)
    averages = score_topics(crowd, topics, pool)
    found: list[Placed] = []
    known = int((topics != UNPLACED).sum()) + len(pool)
    for group in _cluster(similarity, bars.birth):
        if not _may_be_born(crowd.companies[pool[group]], similarity[np.ix_(group, group)], known, bars):
            continue
        topic = next_topic
        if len(averages.topics):
            closeness = averages.averages[group].mean(axis=0)
            if closeness.max() >= bars.group_join:
                topic = int(averages.topics[closeness.argmax()])
        next_topic += topic == next_topic
        found.extend(
            Placed(int(pool[one]), topic, float(np.delete(similarity[one, group], place).mean()))
            for place, one in enumerate(group)
        )
    return found


def _pool_similarity(crowd: Crowd, pool: NDArray[np.intp]) -> Vectors:
    similarity = crowd.vectors[pool] @ crowd.vectors[pool].T
    messages = crowd.messages[pool]
    similarity[messages[:, None] == messages[None, :]] -= np.float32(SAME_MAIL_PENALTY)
    return similarity


def _cluster(similarity: Vectors, min_similarity: float) -> list[NDArray[np.intp]]:
    """Average linkage; groups in the order of their oldest insight."""
    from sklearn.cluster import AgglomerativeClustering

    model = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - min_similarity
    )
    labels = model.fit_predict(np.clip(1 - similarity, 0, 2))
    _, firsts = np.unique(labels, return_index=True)
    return [np.flatnonzero(labels == labels[first]) for first in np.sort(firsts)]


def _may_be_born(companies: NDArray[np.int64], similarity: Vectors, known: int, bars: Bars) -> bool:
    if len(companies) == 2 and known < PAIRS_UNTIL:
        return bool(companies[0] != companies[1] and similarity[0, 1] >= bars.birth + PAIR_MALUS)
    return len(companies) >= max(MIN_BIRTH_SIZE, MIN_BIRTH_SHARE * known)


def _mean_of_nearest(similarity: Vectors) -> Vectors:
    count = min(NEAR_MEMBERS, similarity.shape[1])
    nearest = -np.partition(-similarity, count - 1, axis=1)[:, :count]
    return np.asarray(nearest.mean(axis=1), dtype=np.float32)
