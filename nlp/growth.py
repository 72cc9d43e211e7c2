"""Grows the topics: embeds what is new, places it, names what is born.

What was placed stays; running it twice adds nothing.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from harvester.database import transaction
from nlp.atlas import Archetype, shipped_archetypes
from nlp.embedding import Encoders, Vectors
from nlp.known_meanings import find_meaning, name_archetype
from nlp.likeness import LearnedLikeness, choose_compared, place_views
from nlp.naming import Taste, choose_name, main_language, slugify
from nlp.records import StoredInsight, Topic
from nlp.same_topic import SameTopic, same_topic_for
from nlp.seeding import plant_seeds
from nlp.space import (
    Block,
    RawRows,
    centre_rows,
    density_of,
    embed_expressions,
    first_centre,
    lay_out_blocks,
    measure_closeness,
    smooth_rows,
    widen_centre,
)
from nlp.store import (
    MACHINE,
    Standing,
    all_topics,
    carrying_topics,
    insert_topic,
    known_people,
    load_insights,
    load_standings,
    next_topic_id,
    order_by_centrality,
    save_assignments,
    shown_topics,
    update_facets,
)
from nlp.suggestion_store import save_suggestions
from nlp.suggestions import Suggestion, suggest
from nlp.topics import UNPLACED, Crowd, Placement, place_insights
from nlp.vector_store import (
    count_uncompared,
    delete_vectors,
    fill_some_vectors,
    fill_vectors,
    load_answered_share,
    load_centre,
    load_closeness,
    load_said,
    load_setting,
    load_unembedded,
    save_blob,
    save_centre,
    save_closeness,
    save_model,
    save_vectors,
)
from nlp.views import see

SCHEME = "space-2"  # of centring and smoothing; raised when vectors made before could not be compared with those after
EMBED_CHUNK = 1_000
LATE = timedelta(days=14)  # older than the newest of its topic: an answer takes days, not weeks
LEAST_ANSWERED = (
    0.5  # the "same topic?" model has learned from questions with their answers; without, vectors know more
)
QUESTIONS, ANSWERS = "/questions", "/answers"
VECTORS_DECIDE = "vectors-decide/"


@dataclass(frozen=True, slots=True)
class Grown:
    """What one run did. placed: insights that found a topic. born: ids of new topics. unplaced: still in the pool."""

    embedded: int
    placed: int
    born: tuple[int, ...]
    unplaced: int


def grow_topics(
    database: Database, encoders: Encoders, now: datetime, progress: Callable[[int], None] = lambda count: None
) -> Grown:
    """Place every insight that has no topic yet. progress: called with the number of insights just embedded."""
    model = f"{SCHEME}/{encoders.name}"
    blocks = lay_out_blocks(encoders)
    # Read before anything is added to it: what was compared under a centre that still moved is compared anew.
    centre = load_centre(database, model)
    is_settled = centre is not None and centre.is_frozen
    embedded = _embed_missing(database, model, blocks, progress)
    standings = load_standings(database)
    unplaced = sum(standing.topic == UNPLACED for standing in standings)
    if not count_uncompared(database, model):
        return Grown(0, 0, (), unplaced)
    space = _compare(database, model, blocks, standings, is_settled=is_settled)
    crowd = _crowd(standings, space.vectors)
    judge = _choose_judge(database, model, encoders)
    if judge is not None:
        crowd = replace(crowd, likeness=_learn_likeness(database, model, blocks, judge, standings, crowd.topics))
    placement = _seed(crowd, place_insights(crowd, next_topic_id(database), density_of(space.closeness)))
    known_as = _recognise(database, standings, crowd, placement)
    suggestions = _suggest(database, standings, crowd, placement)
    _store(database, model, standings, space, placement, suggestions, known_as, now, is_judged=judge is not None)
    return Grown(embedded, len(placement.placed), placement.born, unplaced - len(placement.placed))


@dataclass(frozen=True, slots=True)
class _Space:
    """vectors: (n, d), one row per standing. fresh: rows computed in this run. closeness: see `measure_closeness`."""

    vectors: Vectors
    fresh: NDArray[np.intp]
    closeness: float
    is_settled: bool


def _embed_missing(database: Database, model: str, blocks: Sequence[Block], progress: Callable[[int], None]) -> int:
    """Embed what has no vector of this model, in chunks that stay when the run is stopped."""
    embedded = 0
    while missing := load_unembedded(database, (model, model + QUESTIONS), EMBED_CHUNK):
        rows = embed_expressions(blocks, [expression for _, expression in missing])
        centre = widen_centre(load_centre(database, model) or first_centre(blocks), rows, blocks)
        ids = [insight for insight, _ in missing]
        with transaction(database) as connection:
            save_vectors(connection, model + QUESTIONS, ids, rows.questions)
            answered = np.flatnonzero(np.any(rows.answers, axis=1))
            save_vectors(connection, model + ANSWERS, [ids[row] for row in answered], rows.answers[answered])
            save_centre(connection, model, centre)
        embedded += len(missing)
        progress(len(missing))
    return embedded


def _compare(
    database: Database, model: str, blocks: Sequence[Block], standings: Sequence[Standing], *, is_settled: bool
) -> _Space:
    """Bring all insights into one space; rows that were settled before are taken as they are."""
    row_of = {standing.insight: row for row, standing in enumerate(standings)}
    vectors = np.zeros((len(standings), blocks[-1].columns.stop), dtype=np.float32)
    known = frozenset(fill_vectors(database, model, row_of, vectors) if is_settled else ())
    fresh = np.array([row for row, s in enumerate(standings) if s.insight not in known], dtype=np.intp)
    centre = load_centre(database, model)
    if centre is None:
        return _Space(vectors, fresh[:0], 0.0, is_settled)
    vectors[fresh] = centre_rows(_load_raw(database, model, standings, fresh, blocks), centre, blocks)
    messages = np.array([standing.message for standing in standings], dtype=np.int64)
    # Measured while all rows are unsmoothed; frozen with the centre.
    closeness = load_closeness(database, model) if is_settled else measure_closeness(vectors, messages, blocks)
    vectors[fresh] = smooth_rows(vectors[fresh], fresh, vectors, messages, blocks, density_of(closeness))
    return _Space(vectors, fresh, closeness, centre.is_frozen)


def _choose_judge(database: Database, model: str, encoders: Encoders) -> SameTopic | None:
    """The learned model where it fits; a settled mailbox stays with what it was settled with."""
    if load_setting(database, VECTORS_DECIDE + model) or load_answered_share(database) < LEAST_ANSWERED:
        return None
    return same_topic_for(encoders)


def _learn_likeness(
    database: Database,
    model: str,
    blocks: Sequence[Block],
    judge: SameTopic,
    standings: Sequence[Standing],
    topics: NDArray[np.int64],
) -> LearnedLikeness:
    rows = choose_compared(topics)
    centre = load_centre(database, model) or first_centre(blocks)
    said = load_said(database, [standings[row].insight for row in rows])
    views = see(
        [said[standings[row].insight] for row in rows],
        _load_raw(database, model, standings, rows, blocks),
        centre,
        blocks,
        judge.recogniser,
        judge.rarity,
    )
    return place_views(judge, views, rows, len(standings))


def _load_raw(
    database: Database, model: str, standings: Sequence[Standing], fresh: NDArray[np.intp], blocks: Sequence[Block]
) -> RawRows:
    row_of = {standings[row].insight: place for place, row in enumerate(fresh)}
    raw = []
    for kind in (QUESTIONS, ANSWERS):
        rows = np.zeros((len(fresh), blocks[-1].columns.stop), dtype=np.float32)
        fill_some_vectors(database, model + kind, row_of, rows)
        raw.append(rows)
    return RawRows(*raw)


def _crowd(standings: Sequence[Standing], vectors: Vectors) -> Crowd:
    companies = {company: number for number, company in enumerate(sorted({s.company for s in standings}))}
    return Crowd(
        vectors,
        np.array([standing.topic for standing in standings], dtype=np.int64),
        np.array([standing.message for standing in standings], dtype=np.int64),
        np.array([companies[standing.company] for standing in standings], dtype=np.int64),
    )


def _store(
    database: Database,
    model: str,
    standings: Sequence[Standing],
    space: _Space,
    placement: Placement,
    suggestions: Sequence[Suggestion],
    known_as: Mapping[int, Archetype],
    now: datetime,
    *,
    is_judged: bool,
) -> None:
    """Vectors, new topics and assignments in one transaction; then nothing of this run is undecided."""
    topics = {topic.id: topic for topic in all_topics(database)}
    carrier = carrying_topics(topics.values()) | {born: born for born in placement.born}
    members = _members(standings, placement, carrier)
    ids = [standing.insight for standing in standings]
    row_of = {insight: row for row, insight in enumerate(ids)}
    touched = sorted({carrier[placed.topic] for placed in placement.placed})
    insights = {insight.id: insight for insight in load_insights(database)}
    shown = shown_topics(database)
    new = {ids[placed.row] for placed in placement.placed}
    taste = Taste(known_people(database), main_language(tuple(insights.values())))
    with transaction(database) as connection:
        save_vectors(connection, model, [ids[row] for row in space.fresh], space.vectors[space.fresh])
        if space.is_settled and not is_judged:
            delete_vectors(connection, (model + QUESTIONS, model + ANSWERS))
            save_blob(connection, VECTORS_DECIDE + model, b"yes")
        save_model(connection, model)
        save_closeness(connection, model, space.closeness)
        for topic in touched:
            order = order_by_centrality(members[topic], space.vectors, row_of)
            own = [insights[insight] for insight in order]
            known = name_archetype(known_as[topic], taste.language) if topic in known_as else ""
            if topic in topics:
                is_kept = topic in shown or _came_late(own, new)
                update_facets(connection, refresh_topic(topics[topic], own, taste, is_kept=is_kept, known_as=known))
            else:
                insert_topic(connection, name_topic(topic, own, taste, now, known))
        save_assignments(
            connection, [(ids[one.row], one.topic, one.similarity) for one in placement.placed], MACHINE, now
        )
        save_suggestions(connection, suggestions, now)


def _seed(crowd: Crowd, placement: Placement) -> Placement:
    """The placement and, in a young mailbox, topics of the atlas for what is still alone."""
    likeness = crowd.likeness
    if not isinstance(likeness, LearnedLikeness):
        return placement
    placed = {one.row for one in placement.placed}
    rows = np.array([row for row in np.flatnonzero(crowd.topics == UNPLACED) if row not in placed], dtype=np.intp)
    chances = likeness.views.question_atlas[likeness.positions[rows]] ** 2
    seeds = plant_seeds(rows, chances, insights=len(crowd.topics), next_topic=placement.next_topic)
    born = tuple(dict.fromkeys(one.topic for one in seeds))
    return replace(
        placement,
        placed=(*placement.placed, *seeds),
        born=(*placement.born, *born),
        next_topic=placement.next_topic + len(born),
    )


def _recognise(
    database: Database, standings: Sequence[Standing], crowd: Crowd, placement: Placement
) -> dict[int, Archetype]:
    """Carrying topic -> what it clearly means, of those that this run touched; by the members that were compared."""
    likeness = crowd.likeness
    if not isinstance(likeness, LearnedLikeness):
        return {}
    archetypes = {archetype.id: archetype for archetype in shipped_archetypes()}
    carrier = carrying_topics(all_topics(database)) | {born: born for born in placement.born} | {UNPLACED: UNPLACED}
    topics = np.array([carrier[standing.topic] for standing in standings], dtype=np.int64)
    for placed in placement.placed:
        topics[placed.row] = carrier[placed.topic]
    found = {}
    for topic in sorted({carrier[placed.topic] for placed in placement.placed}):
        rows = likeness.positions[(topics == topic) & likeness.comparable]
        asked, replied = likeness.views.question_atlas[rows] ** 2, likeness.views.answer_atlas[rows] ** 2
        meaning = find_meaning(asked, replied, likeness.model.recogniser.usual)
        if meaning is not None:
            found[topic] = archetypes[likeness.model.archetypes[meaning]]
    return found


def _came_late(members: Sequence[StoredInsight], new: Collection[int]) -> bool:
    """Whether everything new in a topic was asked long before what it already held: an old mbox renames nothing."""
    known = [insight.asked_at for insight in members if insight.id not in new]
    added = [insight.asked_at for insight in members if insight.id in new]
    return bool(known) and bool(added) and max(added) < max(known) - LATE


def _suggest(
    database: Database, standings: Sequence[Standing], crowd: Crowd, placement: Placement
) -> tuple[Suggestion, ...]:
    """What people should look at, seen after this run's placements."""
    topics = all_topics(database)
    carrier = carrying_topics(topics) | {born: born for born in placement.born} | {UNPLACED: UNPLACED}
    hidden = {topic.id for topic in topics if topic.merged_into is not None or topic.dismissed}
    carried = np.array([carrier[standing.topic] for standing in standings], dtype=np.int64)
    for placed in placement.placed:
        carried[placed.row] = carrier[placed.topic]
    return suggest(crowd, carried, set(carrier.values()) - hidden - {UNPLACED})


def _members(standings: Sequence[Standing], placement: Placement, carrier: Mapping[int, int]) -> dict[int, list[int]]:
    """Carrying topic id -> insight ids after this run."""
    members: dict[int, list[int]] = {}
    for standing in standings:
        if standing.topic != UNPLACED:
            members.setdefault(carrier[standing.topic], []).append(standing.insight)
    for placed in placement.placed:
        members.setdefault(carrier[placed.topic], []).append(standings[placed.row].insight)
    return members


def name_topic(
    number: int, insights: Sequence[StoredInsight], taste: Taste, now: datetime, known_as: str = ""
) -> Topic:
    """A new topic. insights: its members, the most central first. known_as: see `choose_name`."""
    name = choose_name(insights, taste, known_as)
    return Topic(
        id=number,
        name=name,
        slug=slugify(name),
        named_by=MACHINE,
        status="open",
        category=_most_frequent([insight.category for insight in insights]),
        stage=_most_frequent([insight.stage for insight in insights]),
        born_at=now,
    )


def refresh_topic(
    topic: Topic, insights: Sequence[StoredInsight], taste: Taste, *, is_kept: bool, known_as: str = ""
) -> Topic:
    """The topic with today's category and stage, and with a better name as long as nobody has given one.

    is_kept: the name stays, for people have seen it or only late mails came.
    """
    is_named = topic.named_by != MACHINE or is_kept
    return replace(
        topic,
        name=topic.name if is_named else choose_name(insights, taste, known_as),
        category=_settled(topic.category, topic.category_by, [insight.category for insight in insights]),
        stage=_settled(topic.stage, topic.stage_by, [insight.stage for insight in insights]),
    )


def _settled(value: str, said_by: str, values: Sequence[str]) -> str:
    return value if said_by != MACHINE else _most_frequent(values)


def _most_frequent(values: Sequence[str]) -> str:
    """The commonest; among equals the one of the most central insight."""
    counts = Counter(values)
    return max(values, key=lambda value: counts[value])
