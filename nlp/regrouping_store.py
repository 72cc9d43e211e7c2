"""The SQL of grouping everything anew, in a draft: takes out what may be grouped anew, settles what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from harvester.database import transaction
from harvester.errors import AnswersError
from nlp.comparison import VECTORS_DECIDE
from nlp.embedding import Encoders
from nlp.growth import SCHEME, Grown
from nlp.regrouping import choose_fixed
from nlp.store import MACHINE, all_topics, carrying_topics, decision_log, utc_text
from nlp.vector_store import load_setting

# 10,000 take six minutes of one core and 1.5 GB; every insight is compared with 5,000 others and a dozen whole topics.
MOST_REGROUPED = 20_000


@dataclass(frozen=True, slots=True)
class Loosened:
    """What was taken out. former: insight -> its topic. since: insight -> when it came there, as stored.

    fixed: topics that keep what they hold. made: suggestion -> when it was made, as stored.
    """

    former: Mapping[int, int]
    since: Mapping[int, str]
    fixed: frozenset[int]
    made: Mapping[tuple[object, ...], str]


def require_regroupable(database: Database, encoders: Encoders) -> None:
    """Raise AnswersError where new groups would be worse than the old ones, or take hours."""
    if load_setting(database, f"{VECTORS_DECIDE}{SCHEME}/{encoders.name}"):
        raise AnswersError(
            "--regroup works where at least half of the insights have an answer; here vectors alone decide, and what"
            " tells chatter from questions is kept of the newest insights only: nothing was changed"
        )
    count = len(_find_loose(database, find_fixed(database)))
    if count > MOST_REGROUPED:
        raise AnswersError(
            f"--regroup groups at most {MOST_REGROUPED:,} insights anew, and here {count:,} are in topics about which"
            " nobody decided anything: nothing was changed"
        )


def find_fixed(database: Database) -> frozenset[int]:
    """Topics that keep what they hold, merged ones included."""
    held = database.conn.execute("select distinct topic from assignments where decided_by <> ?", (MACHINE,))
    ruled = database.conn.execute("select distinct topic from page_rulings")
    return choose_fixed(
        all_topics(database),
        decision_log(database),
        {row[0] for row in held.fetchall()},
        {row[0] for row in ruled.fetchall()},
    )


def loosen(draft: Database, successors: Mapping[int, int]) -> Loosened:
    """Take out of their topics what may be placed anew.

    successors: insight that is new -> the topic of the one that stood in its place and is gone.
    """
    fixed = find_fixed(draft)
    loose = _find_loose(draft, fixed)
    # What was put back into a topic that led on meanwhile belongs to where it leads.
    carrier = {topic: topic if topic in fixed else heir for topic, heir in carrying_topics(all_topics(draft)).items()}
    former = {**successors, **{insight: topic for insight, (topic, _) in loose.items()}}
    made = draft.conn.execute("select kind, topic, other, score, made_at from suggestions").fetchall()
    with transaction(draft) as connection:
        connection.executemany("delete from assignments where insight = ?", ((insight,) for insight in loose))
    return Loosened(
        {insight: carrier[topic] for insight, topic in former.items()},
        {insight: since for insight, (_, since) in loose.items()},
        fixed,
        {tuple(row): at for *row, at in made},
    )


def settle(draft: Database, loosened: Loosened, grown: Grown) -> None:
    """What stayed where it was keeps its moment; what nobody follows leads on; what is not new is not called new."""
    topics = {topic.id: topic for topic in all_topics(draft)}
    carrier = carrying_topics(topics.values())
    own = dict(draft.conn.execute("select insight, topic from assignments").fetchall())
    same = [
        (since, insight) for insight, since in loosened.since.items() if own.get(insight) == loosened.former[insight]
    ]
    origins = {insight: utc_text(topics[topic].born_at) for insight, topic in loosened.former.items()}
    heirs = [
        (heir, topic)
        for topic, heir in grown.heirs.items()
        if topic not in loosened.fixed and topics[topic].merged_into is None and carrier[heir] != topic
    ]
    with transaction(draft) as connection:
        connection.executemany("update assignments set decided_at = ? where insight = ?", same)
        connection.executemany(
            "update suggestions set made_at = ? where kind = ? and topic = ? and other is ? and score = ?",
            [(at, *row) for row, at in loosened.made.items()],
        )
        connection.executemany("update topics set merged_into = ? where id = ?", heirs)
        # What they said is said elsewhere now.
        emptied = set(loosened.former.values()) - set(own.values())
        connection.executemany("delete from page_voices where topic = ?", ((topic,) for topic in sorted(emptied)))
        connection.executemany("update topics set born_at = ? where id = ?", _find_origins(grown.born, own, origins))


def _find_origins(born: Sequence[int], own: Mapping[int, int], origins: Mapping[int, str]) -> Iterator[tuple[str, int]]:
    """(when its oldest part was born, topic) of new topics most of which was in topics before."""
    members: dict[int, list[int]] = {topic: [] for topic in born}
    for insight, topic in own.items():
        if topic in members:
            members[topic].append(insight)
    for topic, insights in members.items():
        known = [origins[insight] for insight in insights if insight in origins]
        if 2 * len(known) > len(insights):
            yield min(known), topic


def _find_loose(database: Database, fixed: frozenset[int]) -> dict[int, tuple[int, str]]:
    """Insight -> (its topic, when it came there) of all that may be placed anew."""
    rows = database.conn.execute("select insight, topic, decided_at from assignments order by insight")
    return {insight: (topic, since) for insight, topic, since in rows if topic not in fixed}
