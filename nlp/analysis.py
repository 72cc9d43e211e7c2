"""`answers analyze`: reads what is stored, takes out the insights, grows the topics. The daemon calls the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
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
from nlp.embedding import load_encoders
from nlp.growth import Grown, grow_topics
from nlp.harvest import Harvest, harvest_mails
from nlp.insight_store import count_unharvested
from nlp.page_steps import match_pages
from nlp.records import topic_id
from nlp.second_reading import Said, find_known_ids
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
        harvest, grown = _understand(database, zone, now, progress, own)
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
) -> Analysis:
    """Read all kept mails again with today's code; ids of insights and topics and what people decided stay.

    decide: is told what would change; only when it says yes the archive becomes that, all of it at once.
    Raises TryLater when people changed something meanwhile. Ended at any moment, it leaves the archive as it was.
    """
    with _alone(database), open_draft(database) as draft:
        started_with = digest_of(draft.conn)
        before, said = load_state(draft), load_said(draft)
        read = read_all_mails(draft, settings, workers, progress)
        harvest, grown = _understand(draft, zone, now, progress, own, lambda: _keep_ids(draft, said))
        found = find_all_differences(draft, database)
        changes = compare(before, load_state(draft), {table: len(keys) for table, keys in found.items()})
        if decide(changes) and changes:
            take_over(draft, database, found, started_with)
        born = tuple(topic.id for topic in all_topics(draft) if topic.id in grown.born)
    return Analysis(read, harvest, replace(grown, born=born))


def _keep_ids(draft: Database, before: Mapping[int, Said]) -> None:
    hand_back_ids(draft, find_known_ids(before, load_said(draft)))


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
    now: datetime,
    progress: Counter,
    own: Sequence[Archetype],
    settle: Callable[[], None] = lambda: None,
) -> tuple[Harvest, Grown]:
    """settle: has a last word about the topics before they are compared with pages."""
    encoders = load_encoders()
    harvest = harvest_mails(database, load_sentence_model(encoders.multilingual), pairing_by(encoders), zone, progress)
    grown = grow_topics(database, encoders, now, own=own)
    settle()
    match_pages(database, encoders)
    return harvest, grown
