"""Takes the insights out of mails that were read: each once per conversation and company, and the same id for ever.

Reading a mail again brings its insights up to date instead of adding them anew.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from sqlite_utils import Database

from harvester.database import transaction
from harvester.people import company_of
from harvester.records import Part
from harvester.store import load_parts
from nlp.extraction import Extracted, SentenceModel, extract_and_tell, fingerprint
from nlp.insight_store import (
    Found,
    Kept,
    Unharvested,
    delete_insights,
    insert_insight,
    insights_of_rejected_mails,
    kept_of_message,
    kept_of_thread,
    mark_harvested,
    unharvested_mails,
    update_insight,
    was_quoted_before,
)
from nlp.language import detect_language
from nlp.pairing import Similarity, compare_at_once, pair_answers
from nlp.records import Insight

CHUNK = 100
MIN_CONTAINED = 25  # letters; a shorter fingerprint may stand inside another one by chance
MIN_OVERLAP = 0.6  # of words, for an insight that better code cuts out differently
CLOCK_SLACK = timedelta(days=1)  # a quote dated later than the mail that quotes it has a wrong date
READ_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one run did."""

    mails: int
    added: int
    updated: int
    removed: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What reading one mail means for the stored insights."""

    add: tuple[Found, ...]
    update: tuple[tuple[Kept, Found], ...]
    remove: tuple[int, ...]


def harvest_mails(
    database: Database,
    model: SentenceModel | None,
    similarity: Similarity | None,
    zone: tzinfo,
    progress: Callable[[int], None] = lambda count: None,
) -> Harvest:
    """Harvest every accepted mail that was not; stops anywhere and resumes there.

    similarity: pairs questions with answers better than words alone. zone: of dates in quotes that name none.
    """
    done = Harvest(0, 0, 0, 0)
    while mails := unharvested_mails(database, CHUNK):
        parts = [load_parts(database, mail.message) for mail in mails]
        insights = _extract(mails, parts, model, similarity)
        with transaction(database) as connection:
            for mail, its_parts, extracted in zip(mails, parts, insights, strict=True):
                found = extracted.insights
                new = [
                    insight
                    for insight in found
                    if not was_quoted_before(connection, mail.message, mail.thread, insight.part)
                ]
                located = [locate_insight(insight, its_parts, mail, zone) for insight in new]
                others = tuple(
                    kept.fingerprint
                    for company in sorted({one.company for one in located})
                    for kept in kept_of_thread(connection, mail.thread, company)
                    if kept.message != mail.message
                )
                changes = reconcile(located, kept_of_message(connection, mail.message), others)
                _carry_out(connection, mail, changes)
                mark_harvested(connection, mail.message, _language_of(found, its_parts), is_offer=extracted.is_offer)
                done = _count(done, changes)
        progress(len(mails))
    with transaction(database) as connection:
        rejected = insights_of_rejected_mails(connection)
        delete_insights(connection, rejected)
    return replace(done, removed=done.removed + len(rejected))


def fingerprint_of(insight: Insight) -> str:
    """Of its own words; a question that is too short to be told from others ("Would that work?") needs its context."""
    own = fingerprint(insight.text)
    return own if len(own) >= MIN_CONTAINED else fingerprint(f"{insight.context} {insight.text}")


def locate_insight(insight: Insight, parts: Sequence[Part], mail: Unharvested, zone: tzinfo) -> Found:
    """Whose it is and when it was asked."""
    part = parts[insight.part]
    is_prospect = part.author is not None and part.author_kind == "prospect"
    return Found(
        insight=insight,
        fingerprint=fingerprint_of(insight),
        thread=mail.thread,
        company=company_of(part.author) if is_prospect and part.author else mail.company,
        person=part.author if is_prospect else None,
        asked_at=choose_asked_at(part.sent_at, mail.sent_at, zone),
    )


def choose_asked_at(quoted_at: datetime | None, sent_at: datetime, zone: tzinfo) -> datetime:
    """The quote's own date if it is possible, else that of the mail."""
    if quoted_at is None:
        return sent_at
    try:
        asked_at = (quoted_at if quoted_at.tzinfo else quoted_at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:  # year 1 or 9999 in another zone
        return sent_at
    return asked_at if datetime(1990, 1, 1, tzinfo=UTC) < asked_at <= sent_at + CLOCK_SLACK else sent_at


def reconcile(found: Sequence[Found], kept: Sequence[Kept], others: Sequence[str]) -> Changes:
    """Compare what a mail says today with what was stored of it.

    others: fingerprints of the same conversation from other mails; what stands there is not new here.
    """
    add: list[Found] = []
    update: list[tuple[Kept, Found]] = []
    left = list(kept)
    seen = set(others)
    waiting = []
    for one in found:
        same = next((old for old in left if old.fingerprint == one.fingerprint), None)
        if same:
            left.remove(same)
            update.append((same, one))
            seen.add(one.fingerprint)
        else:
            waiting.append(one)
    for one in waiting:
        if is_known(one.fingerprint, seen):
            continue
        seen.add(one.fingerprint)
        alike = max(left, key=lambda old: likeness(old.text, one.insight.text), default=None)
        if alike and likeness(alike.text, one.insight.text) >= MIN_OVERLAP:
            left.remove(alike)
            update.append((alike, one))
        else:
            add.append(one)
    return Changes(tuple(add), tuple(update), tuple(old.id for old in left if not old.is_decided))


def is_known(letters: str, known: set[str]) -> bool:
    """The same words, or a stretch of them, were seen."""
    if letters in known:
        return True
    return len(letters) >= MIN_CONTAINED and any(
        letters in other or (len(other) >= MIN_CONTAINED and other in letters) for other in known
    )


def likeness(one: str, other: str) -> float:
    """0 to 1: whether two texts of the same mail are the same sentence, cut differently; 1 when one holds the other."""
    letters = fingerprint(one), fingerprint(other)
    shorter, longer = sorted(letters, key=len)
    return 1.0 if len(shorter) >= MIN_CONTAINED and shorter in longer else overlap(one, other)


def overlap(one: str, other: str) -> float:
    """0 to 1: share of the words that two texts have in common."""
    a, b = set(one.lower().split()), set(other.lower().split())
    return len(a & b) / len(a | b) if a | b else 0.0


def pair_many(
    extracted: Sequence[tuple[Insight, ...]], parts: Sequence[tuple[Part, ...]], similarity: Similarity
) -> list[tuple[Insight, ...]]:
    """The insights of many mails with the answers that `similarity` finds; inferred ones keep their own."""
    asked = [[insight for insight in found if not insight.inferred] for found in extracted]
    at_once = compare_at_once(list(zip(asked, parts, strict=True)), similarity)
    results = []
    for found, of_mail, its_parts in zip(extracted, asked, parts, strict=True):
        answers = iter(pair_answers(of_mail, its_parts, at_once))
        results.append(tuple(one if one.inferred else replace(one, answer=next(answers)) for one in found))
    return results


def _extract(
    mails: Sequence[Unharvested],
    parts: Sequence[tuple[Part, ...]],
    model: SentenceModel | None,
    similarity: Similarity | None,
) -> list[Extracted]:
    originals = [place for place, mail in enumerate(mails) if not mail.is_copy]
    heard = [(parts[place], mails[place].subject, mails[place].kind == "heard") for place in originals]
    extracted = extract_and_tell(heard, model)
    if similarity:
        paired = pair_many([one.insights for one in extracted], [parts[place] for place in originals], similarity)
        extracted = [replace(one, insights=insights) for one, insights in zip(extracted, paired, strict=True)]
    results = [Extracted(())] * len(mails)
    for place, found in zip(originals, extracted, strict=True):
        results[place] = found
    return results


def _carry_out(connection: sqlite3.Connection, mail: Unharvested, changes: Changes) -> None:
    delete_insights(connection, changes.remove)
    for kept, found in changes.update:
        update_insight(connection, kept, mail.message, found)
    for found in changes.add:
        insert_insight(connection, mail.message, found)


def _count(done: Harvest, changes: Changes) -> Harvest:
    return Harvest(
        done.mails + 1,
        done.added + len(changes.add),
        done.updated + len(changes.update),
        done.removed + len(changes.remove),
    )


def _language_of(found: Sequence[Insight], parts: Sequence[Part]) -> str | None:
    if found:
        return found[0].language
    text = "\n".join(part.text for part in parts if part.author_kind == "prospect") or "\n".join(
        part.text for part in parts
    )
    return detect_language(text[:READ_CHARACTERS]) if text.strip() else None
