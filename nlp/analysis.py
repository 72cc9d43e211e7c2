"""`answers analyze`: reads what is stored, takes out the insights, grows the topics. The daemon calls the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from harvester.draft import open_draft
from harvester.locks import hold_lock
from harvester.records import ReadingSettings
from harvester.rereading import ReadCounts, read_all_mails, read_new_mails
from harvester.store import count_unread
from nlp.answering import pairing_by
from nlp.atlas import Archetype
from nlp.changes import Changes, compare
from nlp.embedding import Encoders, load_encoders
from nlp.growth import Grown, grow_topics
from nlp.harvest import Harvest, harvest_mails
from nlp.insight_store import count_unharvested
from nlp.page_steps import match_pages
from nlp.records import topic_id
from nlp.regrouping_store import find_fixed, loosen, require_regroupable, settle
from nlp.second_reading import Said, find_known_ids, find_successors
from nlp.second_reading_store import digest_of, find_all_differences, hand_back_ids, load_said, load_state, take_over
from nlp.sentence_model import load_sentence_model
from nlp.store import all_topics

Counter = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one run did."""

    read: ReadCounts
    harvest: Harvest
    grown: Grown

    @property
    def sentence(self) -> str:
        """For people and for the log of runs: counts, no addresses."""
        parts = [f"{self.read.read} mails read"]
        if self.read.failed:
            parts.append(f"{self.read.failed} could not be read")
        parts.append(f"{self.harvest.added} new insights")
        if self.harvest.updated or self.harvest.removed:
            parts.append(f"{self.harvest.updated} brought up to date, {self.harvest.removed} removed")
        parts.append(f"{self.grown.placed} placed, {len(self.grown.born)} new topics, {self.grown.unplaced} unplaced")
        return ", ".join(parts)

    def as_json(self) -> dict[str, int | list[str]]:
        """The counts, for scripts."""
        return {
            "read": self.read.read,
            "failed": self.read.failed,
            "insights_added": self.harvest.added,
            "insights_updated": self.harvest.updated,
            "insights_removed": self.harvest.removed,
            "placed": self.grown.placed,
            "topics_born": [topic_id(topic) for topic in self.grown.born],
            "unplaced": self.grown.unplaced,
        }


def analyze(
    database: Database,
    settings: ReadingSettings,
    *,
    workers: int,
    zone: tzinfo,
    now: datetime,
    own: Sequence[Archetype] = (),
    progress: Counter = lambda count: None,
) -> Analysis:
    """Understand everything stored that is not yet understood; running it again adds nothing.

    zone: of dates in quotes that name none. own: the workspace's archetypes. progress: called with the number of mails
    just read or harvested.
    """
    with _alone(database):
        read = read_new_mails(database, settings, workers, progress)
        harvest, grown = _understand(
            database, zone, progress, lambda encoders: grow_topics(database, encoders, now, own=own)
        )
    return Analysis(read, harvest, grown)


def analyze_again(
    database: Database,
    settings: ReadingSettings,
    *,
    workers: int,
    zone: tzinfo,
    now: datetime,
    decide: Callable[[Changes], bool],
    own: Sequence[Archetype] = (),
    progress: Counter = lambda count: None,
    everything: bool = True,
    regroup: bool = False,
) -> Analysis:
    """Do it again with today's code; what people decided and ids of insights and topics stay.

    everything: read all kept mails again, not only what is new. regroup: place every insight anew, but those in topics
    about which people decided something. decide: is told what would change; only when it says yes the archive becomes
    that, all of it at once.
    Raises TryLater when people changed something meanwhile. Ended at any moment, it leaves the archive as it was.
    """
    if regroup:
        require_regroupable(database, load_encoders())
    with _alone(database), open_draft(database) as draft:
        started_with = digest_of(draft.conn)
        before, said = load_state(draft), load_said(draft)
        read_mails = read_all_mails if everything else read_new_mails
        read = read_mails(draft, settings, workers, progress)
        grow = partial(_group_anew if regroup else _grow_again, draft, said, now, own)
        harvest, grown = _understand(draft, zone, progress, grow)
        found = find_all_differences(draft, database)
        counts = {table: len(keys) for table, keys in found.items()}
        fixed = len(find_fixed(draft) & before.topics.keys()) if regroup else None
        changes = compare(before, load_state(draft), counts, fixed)
        if decide(changes) and changes:
            take_over(draft, database, found, started_with)
        born = tuple(topic.id for topic in all_topics(draft) if topic.id in grown.born)
    return Analysis(read, harvest, replace(grown, born=born))


def _grow_again(
    draft: Database, before: Mapping[int, Said], now: datetime, own: Sequence[Archetype], encoders: Encoders
) -> Grown:
    grown = grow_topics(draft, encoders, now, own=own)
    hand_back_ids(draft, find_known_ids(before, load_said(draft)))
    return grown


def _group_anew(
    draft: Database, before: Mapping[int, Said], now: datetime, own: Sequence[Archetype], encoders: Encoders
) -> Grown:
    successors = find_successors(before, load_said(draft))
    topics = {new: topic for gone, new in successors.items() if (topic := before[gone].topic) is not None}
    loosened = loosen(draft, topics)
    grown = grow_topics(draft, encoders, now, own=own, former=loosened.former)
    settle(draft, loosened, grown)
    return grown


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Two runs at once would read the same mails twice; the second one is told to come back."""
    file = database.conn.execute("select file from pragma_database_list where name = 'main'").fetchone()[0]
    if not file:  # in memory
        yield
        return
    with hold_lock(Path(f"{file}.analyze.lock"), "another `answers analyze` is at work here; try again in a minute"):
        yield


def count_waiting(database: Database, *, everything: bool = False) -> int:
    """How many steps `progress` will be told of: mails to read and mails to harvest."""
    unread = count_unread(database)
    if everything:
        unread = int(database.conn.execute("select count(*) from messages where raw is not null").fetchone()[0])
    return unread + count_unharvested(database) + unread


def _understand(
    database: Database,
    zone: tzinfo,
    progress: Counter,
    grow: Callable[[Encoders], Grown],
) -> tuple[Harvest, Grown]:
    """grow: places what was harvested; then the topics are compared with pages."""
    encoders = load_encoders()
    harvest = harvest_mails(database, load_sentence_model(encoders.multilingual), pairing_by(encoders), zone, progress)
    grown = grow(encoders)
    match_pages(database)
    return harvest, grown
