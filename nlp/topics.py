"""Puts insights into permanent topics: join a close topic, else wait in the pool, else found a topic with others.

Pure functions over arrays; nothing that was placed ever moves. Same input in the same order, same output.
"""

from collections.abc import Sequence
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
BATCH = 5_000


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
    """topics: (k,) ids, ascending. scores: (m, k), row by topic."""

    topics: NDArray[np.int64]
    scores: Vectors


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
        joined = _join_topics(crowd, topics, pool, bars.join)
        pool = _settle(joined, topics, pool)
        grouped = _group_pool(crowd, topics, pool, bars, next_topic + len(born))
        pool = _settle(grouped, topics, pool)
        changed = np.array(sorted({one.topic for one in grouped}), dtype=np.int64)
        followed = _join_topics(crowd, topics, pool, bars.join, among=changed)
        _settle(followed, topics, pool)
        placed.extend((*joined, *grouped, *followed))
        born.extend(int(topic) for topic in changed if topic >= next_topic + len(born))
    return Placement(tuple(placed), tuple(born))


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


def look_closely(crowd: Crowd, topics: NDArray[np.int64], rows: NDArray[np.intp], averages: TopicScores) -> TopicScores:
    """Blend in, for the topics that are nearest on average, how near a row is to their nearest members."""
    scores = averages.scores.copy()
    width = min(CANDIDATES, len(averages.topics))
    candidates = np.argpartition(-averages.scores, width - 1, axis=1)[:, :width]
    order = np.argsort(topics, kind="stable")
    starts = np.searchsorted(topics[order], averages.topics, side="left")
    ends = np.searchsorted(topics[order], averages.topics, side="right")
    near_topics, near_rows = candidates.ravel(), np.repeat(np.arange(len(rows)), width)
    by_topic = np.argsort(near_topics, kind="stable")
    for group in np.split(by_topic, np.flatnonzero(np.diff(near_topics[by_topic])) + 1):
        topic, near = int(near_topics[group[0]]), near_rows[group]
        members = order[starts[topic] : ends[topic]]
        nearest = _mean_of_nearest(crowd.vectors[rows[near]] @ crowd.vectors[members].T)
        scores[near, topic] = NEAR_SHARE * nearest + (1 - NEAR_SHARE) * averages.scores[near, topic]
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
    min_similarity: float,
    among: NDArray[np.int64] | None = None,
) -> list[Placed]:
    """among: the topics to join, all by default."""
    eligible = topics if among is None else np.where(np.isin(topics, among), topics, UNPLACED)
    averages = score_averages(crowd, eligible, pool)
    if not len(averages.topics) or not len(pool):
        return []
    found = look_closely(crowd, eligible, pool, averages)
    best = found.scores.argmax(axis=1)
    similarity = found.scores[np.arange(len(pool)), best]
    return [
        Placed(int(row), int(found.topics[topic]), float(value))
        for row, topic, value in zip(pool, best, similarity, strict=True)
        if value >= min_similarity
    ]


def _group_pool(
    crowd: Crowd, topics: NDArray[np.int64], pool: NDArray[np.intp], bars: Bars, next_topic: int
) -> list[Placed]:
    if len(pool) < 2:
        return []
    similarity = _pool_similarity(crowd, pool)
    averages = score_averages(crowd, topics, pool)
    found: list[Placed] = []
    known = int((topics != UNPLACED).sum()) + len(pool)
    for group in _cluster(similarity, bars.birth):
        if not _may_be_born(crowd.companies[pool[group]], similarity[np.ix_(group, group)], known, bars):
            continue
        topic = next_topic
        if len(averages.topics):
            closeness = averages.scores[group].mean(axis=0)
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
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return sorted(groups, key=lambda group: int(group[0]))


def _may_be_born(companies: NDArray[np.int64], similarity: Vectors, known: int, bars: Bars) -> bool:
    if len(companies) == 2 and known < PAIRS_UNTIL:
        return bool(companies[0] != companies[1] and similarity[0, 1] >= bars.birth + PAIR_MALUS)
    return len(companies) >= max(MIN_BIRTH_SIZE, MIN_BIRTH_SHARE * known)


def _mean_of_nearest(similarity: Vectors) -> Vectors:
    count = min(NEAR_MEMBERS, similarity.shape[1])
    nearest = -np.partition(-similarity, count - 1, axis=1)[:, :count]
    return np.asarray(nearest.mean(axis=1), dtype=np.float32)
