"""Grows the topics: embeds what is new, places it, names what is born.

What was placed stays; running it twice adds nothing. Only where a person asked for it everything is grouped anew.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from harvester.database import transaction
from nlp.adapting import UNADAPTED, Adaptation, adapt
from nlp.atlas import Archetype
from nlp.coherence import choose_kept
from nlp.comparison import (
    ANSWERS,
    QUESTIONS,
    VECTORS_DECIDE,
    Space,
    choose_judge,
    embed_missing,
    recall,
    span_space,
    view_likeness,
)
from nlp.embedding import Encoders, Vectors
from nlp.likeness import LearnedLikeness
from nlp.naming import Taste, main_language
from nlp.own_meanings import learn_own
from nlp.records import Topic
from nlp.regrouping import keep_known_ids
from nlp.same_topic import SameTopic
from nlp.seeding import plant_seeds
from nlp.space import density_of, lay_out_all_blocks, lay_out_blocks
from nlp.store import (
    MACHINE,
    Standing,
    all_topics,
    carrying_topics,
    decision_log,
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
from nlp.themes import Meaning, name_meaning
from nlp.topic_making import came_late, name_topic, refresh_topic
from nlp.topic_meanings import recognise_topics
from nlp.topics import POOL_LIMIT, UNPLACED, Crowd, Placed, Placement, place_insights, tell_fit
from nlp.vector_store import (
    ADAPTED,
    FIT,
    count_uncompared,
    delete_vectors,
    load_centre,
    note_for_status,
    save_blob,
    save_closeness,
    save_model,
    save_vectors,
)

SCHEME = "space-2"  # of centring and smoothing; raised when vectors made before could not be compared with those after

MOST_ROUNDS = 8  # of grouping anew; two or three is what it takes


@dataclass(frozen=True, slots=True)
class Grown:
    """What one run did. placed: insights that found a topic. born: ids of new topics. unplaced: still in the pool.

    adaptation: what it took from people's decisions. heirs: see `Regrouped`.
    """

    embedded: int
    placed: int
    born: tuple[int, ...]
    unplaced: int
    adaptation: Adaptation = UNADAPTED
    heirs: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Where everything stands after the placement. topics: those there were before, by id.

    carrier: topic id -> the one that carries it on, new ones included. carried: (n,) the carrying topic of each row.
    is_anew: everything was grouped anew.
    """

    placement: Placement
    topics: Mapping[int, Topic]
    carrier: Mapping[int, int]
    carried: NDArray[np.int64]
    is_anew: bool

    @property
    def touched(self) -> list[int]:
        """Carrying topics that got something."""
        return sorted({self.carrier[placed.topic] for placed in self.placement.placed})

    @property
    def shown(self) -> set[int]:
        """Topics that people see."""
        hidden = {topic.id for topic in self.topics.values() if topic.merged_into is not None or topic.dismissed}
        return set(self.carrier.values()) - hidden - {UNPLACED}

    def members(self) -> dict[int, list[int]]:
        """Carrying topic -> its rows, those that were just placed last."""
        new = [placed.row for placed in self.placement.placed]
        known = np.setdiff1d(np.flatnonzero(self.carried != UNPLACED), new)
        members: dict[int, list[int]] = {}
        for row in (*known.tolist(), *new):
            members.setdefault(int(self.carried[row]), []).append(row)
        return members

    def names(self, members: Collection[int], kept: Collection[int]) -> dict[int, str]:
        """Topic -> the name that no other may get. members: topics that hold anything. kept: those that keep theirs.

        Where everything was grouped anew, those that may get another one choose as if they had none.
        """
        known = self.shown & self.topics.keys()
        if self.is_anew:
            known &= set(members) & (set(kept) | known - set(self.touched))
        return {topic: self.topics[topic].name for topic in known}


@dataclass(frozen=True, slots=True)
class _Round:
    """Everything compared and placed once."""

    crowd: Crowd
    adaptation: Adaptation
    placement: Placement


def grow_topics(
    database: Database,
    encoders: Encoders,
    now: datetime,
    progress: Callable[[int], None] = lambda count: None,
    own: Sequence[Archetype] = (),
    judge: SameTopic | None = None,
    former: Mapping[int, int] | None = None,
) -> Grown:
    """Place every insight that has no topic yet. own: the workspace's archetypes, beside those of the program.

    progress: called with the number of insights just embedded. judge: to use where the shipped one would be.
    former: insight -> the topic that it was just taken out of; groups that are such a topic get its id.
    """
    model = f"{SCHEME}/{encoders.name}"
    blocks, everything = lay_out_blocks(encoders), lay_out_all_blocks(encoders)
    # Read before anything is added to it: what was compared under a centre that still moved is compared anew.
    centre = load_centre(database, model)
    is_settled = centre is not None and centre.is_frozen
    embedded = embed_missing(database, model, everything, progress)
    standings = load_standings(database)
    unplaced = sum(standing.topic == UNPLACED for standing in standings)
    if not count_uncompared(database, model) and not former:
        return Grown(0, 0, (), unplaced)
    space = span_space(database, model, blocks, standings, is_settled=is_settled)
    judge = choose_judge(database, model, encoders, judge)
    judge = judge and learn_own(judge, own, everything)

    def place(standings: Sequence[Standing]) -> _Round:
        crowd = _crowd(standings, space.vectors)
        if judge is not None:
            crowd = replace(crowd, likeness=view_likeness(database, model, everything, judge, standings, space.centre))
        else:
            crowd = replace(crowd, wording=recall(database, model, blocks, encoders, standings, space.closeness))
        adaptation = adapt(crowd, [standing.insight for standing in standings], decision_log(database))
        density = density_of(space.closeness)
        first = next_topic_id(database)
        placement = place_insights(crowd, first, density, adaptation.shift, groups_first=bool(former))
        return _Round(crowd, adaptation, _seed(crowd, placement))

    done = _place_until_it_stays(place, standings) if former else place(standings)
    crowd, adaptation, placement = done.crowd, done.adaptation, done.placement
    topics = all_topics(database)
    heirs: Mapping[int, int] = {}
    if former:
        stayed = {one.insight: one.topic for one in standings if one.topic != UNPLACED}
        insights = [standing.insight for standing in standings]
        regrouped = keep_known_ids(placement, stayed, former, insights, carrying_topics(topics))
        placement, heirs = regrouped.placement, regrouped.heirs
    outcome = _carry(placement, crowd.topics, topics, is_anew=bool(former))
    suggestions = suggest(crowd, outcome.carried, outcome.shown)
    categories = [standing.category for standing in standings]
    known_as = recognise_topics(crowd, outcome.carried, outcome.touched, own, categories)
    _store(database, model, standings, space, outcome, suggestions, known_as, now, is_judged=judge is not None)
    note_for_status(database, ADAPTED, adaptation.sentence if adaptation.decisions else None)
    fit = tell_fit(crowd, outcome.carried)
    note_for_status(database, FIT, fit.sentence if fit else None)
    left = unplaced - len(placement.placed)
    return Grown(embedded, len(placement.placed), placement.born, left, adaptation, heirs)


def _place_until_it_stays(place: Callable[[Sequence[Standing]], _Round], standings: Sequence[Standing]) -> _Round:
    """Place everything anew again and again, until no topic that stands gets anything more.

    What joins such a topic stays there and is what others are compared with, also the next time everything is grouped
    anew: so the next time changes nothing.
    """
    known = {standing.topic for standing in standings}
    joined: list[Placed] = []
    for rounds in range(MOST_ROUNDS):
        done = place(standings)
        new = [placed for placed in done.placement.placed if placed.topic in known]
        if not new or rounds == MOST_ROUNDS - 1:
            break
        topics = {placed.row: placed.topic for placed in new}
        standings = [replace(standing, topic=topics.get(row, standing.topic)) for row, standing in enumerate(standings)]
        joined += new
    return replace(done, placement=replace(done.placement, placed=(*joined, *done.placement.placed)))


def _crowd(standings: Sequence[Standing], vectors: Vectors) -> Crowd:
    companies = {company: number for number, company in enumerate(sorted({s.company for s in standings}))}
    return Crowd(
        vectors,
        np.array([standing.topic for standing in standings], dtype=np.int64),
        np.array([standing.message for standing in standings], dtype=np.int64),
        np.array([companies[standing.company] for standing in standings], dtype=np.int64),
    )


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


def _carry(placement: Placement, before: NDArray[np.int64], topics: Sequence[Topic], *, is_anew: bool) -> _Outcome:
    carrier = carrying_topics(topics) | {born: born for born in placement.born} | {UNPLACED: UNPLACED}
    carried = np.array([carrier[topic] for topic in before.tolist()], dtype=np.int64)
    for placed in placement.placed:
        carried[placed.row] = carrier[placed.topic]
    return _Outcome(placement, {topic.id: topic for topic in topics}, carrier, carried, is_anew)


def _store(
    database: Database,
    model: str,
    standings: Sequence[Standing],
    space: Space,
    outcome: _Outcome,
    suggestions: Sequence[Suggestion],
    known_as: Mapping[int, Sequence[Meaning]],
    now: datetime,
    *,
    is_judged: bool,
) -> None:
    """Vectors, new topics and assignments in one transaction; then nothing of this run is undecided."""
    placed = outcome.placement.placed
    members = outcome.members()
    ids = [standing.insight for standing in standings]
    row_of = {insight: row for row, insight in enumerate(ids)}
    insights = {insight.id: insight for insight in load_insights(database)}
    shown = shown_topics(database)
    new = {ids[one.row] for one in placed}
    taste = Taste(known_people(database), main_language(tuple(insights.values())))
    named = {topic.id for topic in outcome.topics.values() if topic.named_by != MACHINE}
    names = outcome.names(members.keys(), shown | named)
    with transaction(database) as connection:
        save_vectors(connection, model, [ids[row] for row in space.fresh], space.vectors[space.fresh])
        if space.centre.is_frozen and not is_judged:
            kept = {ids[row] for row in choose_kept(outcome.carried, POOL_LIMIT)}
            delete_vectors(connection, model + QUESTIONS, but=kept)
            delete_vectors(connection, model + ANSWERS)
            save_blob(connection, VECTORS_DECIDE + model, b"yes")
        save_model(connection, model)
        save_closeness(connection, model, space.closeness)
        # The larger chooses first among those born together.
        for topic in sorted(outcome.touched, key=lambda topic: (-len(members[topic]), topic)):
            order = order_by_centrality([ids[row] for row in members[topic]], space.vectors, row_of)
            own = [insights[insight] for insight in order]
            taken = {name for other, name in names.items() if other != topic}
            known = name_meaning(known_as.get(topic, ()), taste.language, taken)
            if topic in outcome.topics:
                is_kept = topic in shown or (came_late(own, new) and not outcome.is_anew)
                refreshed = refresh_topic(outcome.topics[topic], own, taste, is_kept=is_kept, known_as=known)
                update_facets(connection, refreshed)
            else:
                refreshed = name_topic(topic, own, taste, now, known)
                insert_topic(connection, refreshed)
            names[topic] = refreshed.name
        save_assignments(connection, [(ids[one.row], one.topic, one.similarity) for one in placed], MACHINE, now)
        save_suggestions(connection, suggestions, now)
