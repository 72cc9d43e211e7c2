"""Says why insights are in their topic: whom they are like, what they are like next, who decided. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from sqlite_utils import Database

from nlp.embedding import Vectors, unit_rows
from nlp.export import insight_as_json
from nlp.extraction import fingerprint
from nlp.records import Decision, StoredInsight, Topic, topic_id
from nlp.store import (
    all_topics,
    carrying_topics,
    central_order,
    decision_log,
    find_topic,
    load_insights,
)
from nlp.vector_store import load_setting, load_vectors

NEAREST = 3


class Scorer(Protocol):
    """How surely two insights mean the same. name: what the figure is called."""

    @property
    def name(self) -> str: ...

    def score(self, one: Sequence[int], other: Sequence[int]) -> Vectors:
        """(n, m) from the ids of n and of m insights."""
        ...


class VectorScorer:
    """The similarity of the stored vectors, by which topics were assigned."""

    name = "similarity"

    def __init__(self, database: Database) -> None:
        ids, vectors = load_vectors(database, load_setting(database, "model") or "")
        self._rows = {insight: row for row, insight in enumerate(ids)}
        self._vectors = np.vstack([unit_rows(vectors), np.zeros((1, vectors.shape[1]), dtype=np.float32)])

    def score(self, one: Sequence[int], other: Sequence[int]) -> Vectors:
        """Cosine; 0 for an insight that was never compared."""
        return np.asarray(self._take(one) @ self._take(other).T, dtype=np.float32)

    def _take(self, insights: Sequence[int]) -> Vectors:
        return self._vectors[[self._rows.get(insight, -1) for insight in insights]]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another insight of the topic and how near it is."""

    insight: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Rival:
    """The topic that would have been next best. score: mean to its nearest members."""

    topic: str
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one insight is where it is. similarity: with the topic when it was placed. score: mean to its neighbours."""

    insight: StoredInsight
    decided_by: str
    decided_at: str
    similarity: float | None
    score: float
    nearest: tuple[Neighbour, ...]
    rival: Rival | None

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            **insight_as_json(self.insight),
            "decided_by": self.decided_by,
            "decided_at": self.decided_at,
            "similarity": self.similarity,
            "score": round(self.score, 3),
            "nearest": [asdict(neighbour) for neighbour in self.nearest],
            "rival": asdict(self.rival) if self.rival else None,
        }


@dataclass(frozen=True, slots=True)
class TopicReasons:
    """reasons: the most central insight first. measure: what the scores are called."""

    topic: Topic
    measure: str
    reasons: tuple[Reason, ...]
    decisions: tuple[Decision, ...]

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "id": topic_id(self.topic.id),
            "name": self.topic.name,
            "named_by": self.topic.named_by,
            "born_at": self.topic.born_at.isoformat(),
            "measure": self.measure,
            "insights": [reason.as_json() for reason in self.reasons],
            "decisions": [
                {
                    "at": one.decided_at.isoformat(),
                    "by": one.author,
                    "verb": one.verb,
                    "undone": one.undone_at is not None,
                }
                for one in self.decisions
            ],
        }


def explain_topic(database: Database, shown_id: str, scorer: Scorer | None = None) -> TopicReasons:
    """Why every insight of a topic is in it; a merged topic's id explains the one that carries on."""
    topics = {topic.id: topic for topic in all_topics(database)}
    topic = topics[carrying_topics(topics.values())[find_topic(database, shown_id).id]]
    scorer = scorer or VectorScorer(database)
    insights = {insight.id: insight for insight in load_insights(database)}
    order = central_order(database, topic.id)
    return TopicReasons(
        topic,
        scorer.name,
        explain_insights(database, [insights[one] for one in order], insights, topics, scorer),
        tuple(one for one in decision_log(database) if one.topic == topic.id),
    )


def explain_insights(
    database: Database,
    explained: Sequence[StoredInsight],
    insights: Mapping[int, StoredInsight],
    topics: Mapping[int, Topic],
    scorer: Scorer,
) -> tuple[Reason, ...]:
    """One reason per insight that has a topic. insights, topics: all there are."""
    members: dict[int, list[int]] = {}
    for insight in insights.values():
        if insight.topic is not None:
            members.setdefault(insight.topic, []).append(insight.id)
    placed = {
        row[0]: row[1:]
        for row in database.conn.execute("select insight, decided_by, decided_at, similarity from assignments")
    }
    reasons = []
    for insight in explained:
        if insight.topic is None or insight.id not in placed:
            continue
        decided_by, decided_at, similarity = placed[insight.id]
        nearest = _nearest(insight, members[insight.topic], insights, scorer)
        reasons.append(
            Reason(
                insight,
                decided_by,
                decided_at,
                similarity,
                sum(one.score for one in nearest) / len(nearest) if nearest else 0.0,
                nearest,
                _rival(insight, members, topics, scorer),
            )
        )
    return tuple(reasons)


def _nearest(
    insight: StoredInsight, members: Sequence[int], insights: Mapping[int, StoredInsight], scorer: Scorer
) -> tuple[Neighbour, ...]:
    others = [one for one in members if one != insight.id]
    if not others:
        return ()
    scores = scorer.score([insight.id], others)[0]
    best = sorted(range(len(others)), key=lambda place: (-round(float(scores[place]), 4), others[place]))[:NEAREST]
    return tuple(
        Neighbour(others[place], insights[others[place]].text, round(float(scores[place]), 3)) for place in best
    )


def _rival(
    insight: StoredInsight, members: Mapping[int, Sequence[int]], topics: Mapping[int, Topic], scorer: Scorer
) -> Rival | None:
    best: tuple[float, int] | None = None
    for topic, others in sorted(members.items()):
        if topic == insight.topic:
            continue
        scores = np.sort(scorer.score([insight.id], others)[0])[::-1][:NEAREST]
        mean = float(scores.mean())
        if best is None or mean > best[0]:
            best = (mean, topic)
    if best is None:
        return None
    return Rival(topic_id(best[1]), topics[best[1]].name, round(best[0], 3))


@dataclass(frozen=True, slots=True)
class KnownMails:
    """What a workspace knows of its mails, read once. by_mail: SHA-256 of a mail's bytes -> its insights."""

    insights: Mapping[int, StoredInsight]
    topics: Mapping[int, Topic]
    by_mail: Mapping[str, tuple[StoredInsight, ...]]
    scorer: Scorer


def load_known_mails(database: Database) -> KnownMails:
    """Everything that `reasons_of_mail` needs."""
    insights = {insight.id: insight for insight in load_insights(database)}
    hashes = dict(database.conn.execute("select id, sha256 from messages"))
    by_mail: dict[str, tuple[StoredInsight, ...]] = {}
    for insight in insights.values():
        sha256 = hashes[insight.message]
        by_mail[sha256] = (*by_mail.get(sha256, ()), insight)
    topics = {topic.id: topic for topic in all_topics(database)}
    return KnownMails(insights, topics, by_mail, VectorScorer(database))


def reasons_of_mail(database: Database, known: KnownMails, sha256: str) -> dict[str, Reason]:
    """Fingerprint of an insight of this mail -> why it is in its topic; empty for a mail that is not stored."""
    own = known.by_mail.get(sha256, ())
    reasons = explain_insights(database, own, known.insights, known.topics, known.scorer) if own else ()
    return {fingerprint(reason.insight.text): reason for reason in reasons}
