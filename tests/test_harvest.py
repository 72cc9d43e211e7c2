"""Insights are taken out once per conversation and company, and reading the mails again keeps their ids and topics."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from sqlite_utils import Database
from topic_material import MONDAY

from digest.status import read_state
from digest.status_text import state_as_text
from harvester.capture import load_files
from harvester.database import open_database
from harvester.records import ReadingSettings, Roster
from nlp.analysis import Analysis, analyze, analyze_again
from nlp.decision_store import carry_out, load_assigned
from nlp.decisions import merge_topics, move_insights, rename_topic
from nlp.extraction import fingerprint
from nlp.harvest import Changes, choose_asked_at, is_known, overlap, reconcile
from nlp.insight_store import Found, Kept
from nlp.records import Insight, Kind
from nlp.store import all_topics, find_topic, load_insights

BERLIN = ZoneInfo("Europe/Berlin")
SENT = datetime(2026, 11, 2, 8, 14, tzinfo=UTC)

ASKED = (
    ("globex", "What does it cost per user and month?", "It costs 12 euros per user and month."),
    ("initech", "How much is a licence for one user per month?", "A licence is 12 euros per user and month."),
    ("umbrella", "Could you tell me the monthly price per user?", "We charge 12 euros a month for each user."),
    ("hooli", "Do you integrate with SAP?", "Yes, there is an interface to SAP."),
    ("vandelay", "Is there an interface to SAP?", "Yes, the interface to SAP is included."),
    ("stark", "Can it be connected to our SAP system?", "Yes, it connects to SAP out of the box."),
)


def write_mail(folder: Path, number: int, company: str, question: str, answer: str, *, history: str = "") -> None:
    """A colleague's answer on top of the quoted question."""
    (folder / f"{number}.eml").write_text(
        f"From: Rona Reyes <rona@acme.example>\nTo: Li Chen <li@{company}.example>\nSubject: Re: a question\n"
        f"Date: Mon, 2 Nov 2026 09:14:{number:02d} +0100\nMessage-ID: <{number}@acme.example>\n"
        f"{history}Content-Type: text/plain; charset=utf-8\n\n"
        f"Hi Li,\n\n{answer}\n\nBest regards,\nRona\n\n"
        f"On Sun, 1 Nov 2026 at 17:02, Li Chen <li@{company}.example> wrote:\n> {question}\n",
        encoding="utf-8",
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    folder = tmp_path / "mails"
    folder.mkdir()
    for number, (company, question, answer) in enumerate(ASKED):
        write_mail(folder, number, company, question, answer)
    first = "In-Reply-To: <0@acme.example>\nReferences: <0@acme.example>\n"
    again = f"{ASKED[0][1]}\n> And where is our data stored?"
    write_mail(folder, 20, "globex", again, "As I wrote, 12 euros. It is stored in Frankfurt.", history=first)
    database = open_database(tmp_path / "answers.db")
    load_files(database, (folder,), MONDAY, lambda count: None)
    yield database
    database.conn.close()


def run(database: Database) -> Analysis:
    settings = ReadingSettings(Roster(("acme.example",)))
    return analyze(database, settings, workers=1, zone=BERLIN, now=MONDAY)


def run_again(database: Database) -> Analysis:
    settings = ReadingSettings(Roster(("acme.example",)))
    return analyze_again(database, settings, workers=1, zone=BERLIN, now=MONDAY, decide=lambda changes: True)


def standing(database: Database) -> list[tuple[int, str, int | None]]:
    return [(insight.id, insight.text, insight.topic) for insight in load_insights(database)]


def test_mails_become_insights_with_author_date_and_answer(database: Database) -> None:
    run(database)
    first = load_insights(database)[0]
    assert (first.text, first.company, first.person) == (ASKED[0][1], "globex.example", "li@globex.example")
    assert first.asked_at == datetime(2026, 11, 1, 16, 2, tzinfo=UTC)
    assert first.kind is Kind.QUESTION
    assert first.answer == ASKED[0][2]


def test_question_quoted_again_is_one_insight(database: Database) -> None:
    run(database)
    of_globex = [insight.text for insight in load_insights(database) if insight.company == "globex.example"]
    assert of_globex == [ASKED[0][1], "And where is our data stored?"]


def test_analyzing_twice_adds_nothing(database: Database) -> None:
    run(database)
    before = list(database.conn.iterdump())
    again = run(database)
    assert (again.read.read, again.harvest.mails, again.grown.embedded) == (0, 0, 0)
    assert list(database.conn.iterdump()) == before


def test_reading_all_again_keeps_ids_topics_and_decisions(database: Database) -> None:
    run(database)
    topics = [topic.id for topic in all_topics(database)]
    assert len(topics) >= 2
    one, other = (find_topic(database, f"T-{number:03d}") for number in topics[:2])
    carry_out(database, rename_topic(one, "Price per user", "Mia"), "Mia", MONDAY)
    carry_out(database, move_insights(one, load_assigned(database, [4])), "Mia", MONDAY)
    carry_out(database, merge_topics(other, find_topic(database, "T-001")), "Mia", MONDAY)
    before = standing(database)
    again = run_again(database)
    assert again.read.read == len(ASKED) + 1
    assert again.harvest.added == again.harvest.removed == 0
    assert standing(database) == before
    assert find_topic(database, "T-001").name == "Price per user"


def insight(text: str) -> Found:
    found = Insight(Kind.QUESTION, text, 0, 0.9, "test", "other", "awareness", "en")
    return Found(found, fingerprint(text), "thread", "globex.example", None, SENT)


def kept(number: int, text: str, *, is_decided: bool = False) -> Kept:
    return Kept(number, 1, fingerprint(text), text, "", None, is_decided)


def test_better_code_cuts_a_sentence_differently_and_the_id_stays() -> None:
    old = kept(7, "What does it cost per user and month")
    changes = reconcile([insight("So what does it cost per user and month then?")], [old], [])
    assert [(one.id, found.insight.text) for one, found in changes.update] == [
        (7, "So what does it cost per user and month then?")
    ]
    assert changes.add == ()
    assert changes.remove == ()


def test_what_is_no_insight_any_more_goes_unless_a_person_decided_about_it() -> None:
    changes = reconcile([], [kept(1, "Thank you very much"), kept(2, "Is it red?", is_decided=True)], [])
    assert changes == Changes((), (), (1,))


def test_same_words_in_another_mail_of_the_conversation_are_not_new() -> None:
    known = [fingerprint("What does it cost per user and month?")]
    assert reconcile([insight("what does it cost PER USER and month")], [], known).add == ()
    assert len(reconcile([insight("What does it weigh?")], [], known).add) == 1


def test_short_texts_are_known_only_when_equal() -> None:
    known = {fingerprint("Could you tell me how long the delivery takes?")}
    assert is_known(fingerprint("tell me how long the delivery takes"), known)
    assert not is_known(fingerprint("how long"), known)


@pytest.mark.parametrize(
    ("quoted_at", "expected"),
    [
        (None, SENT),
        (datetime(2026, 11, 1, 17, 2), datetime(2026, 11, 1, 16, 2, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2026, 11, 1, 17, 2, tzinfo=UTC), datetime(2026, 11, 1, 17, 2, tzinfo=UTC)),
        (datetime(2031, 1, 1, tzinfo=UTC), SENT),
        (datetime(1, 1, 1), SENT),  # noqa: DTZ001
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), SENT),
    ],
)
def test_impossible_dates_of_quotes_are_not_believed(quoted_at: datetime | None, expected: datetime) -> None:
    assert choose_asked_at(quoted_at, SENT, BERLIN) == expected


@given(st.text(), st.text())
def test_overlap_is_a_share(one: str, other: str) -> None:
    assert 0 <= overlap(one, other) <= 1


def test_an_offer_gives_nothing_and_the_status_counts_it(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "offers"
    folder.mkdir()
    pitch = (
        "What do you pay for your toner today? We deliver the same cartridges for half of it, guaranteed, and we are"
        " looking for ten offices to try them free of charge. Who decides on supplies at yours?"
    )
    write_mail(folder, 30, "toner", pitch, "No thanks, we hardly print.")
    load_files(database, (folder,), MONDAY, lambda count: None)
    for _ in range(2):
        run(database)
        state = read_state(database, poll_every_minutes=None, now=MONDAY)
        assert (state.mails, state.offers, sum(count for _, _, count in state.set_aside)) == (8, 1, 0)
        assert "toner.example" not in {insight.company for insight in load_insights(database)}
        shown = StringIO()
        Console(file=shown, width=120).print(state_as_text(state))
        assert "1 mail in which somebody sells to a colleague" in shown.getvalue()
        database.execute("update readings set harvested = 0")
