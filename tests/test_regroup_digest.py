"""After everything was grouped anew nobody hears of anything twice: no digest of old questions, no topic called new."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from digest_material import MONDAY
from digest_workspace import ask, make_workspace
from site_material import build
from smtp_server import SmtpServer
from sqlite_utils import Database
from topic_material import HOSTING, PRICE, SAP

from digest.audiences import WEEKLY
from digest.dispatch import send_due_digest
from digest.gather import gather_material
from digest.records import News
from harvester.database import transaction
from harvester.records import ReadingSettings, Roster
from harvester.workspace import Workspace
from nlp.analysis import analyze_again
from nlp.embedding import Encoders
from nlp.growth import grow_topics
from nlp.store import find_topic, load_insights, next_topic_id

WEEK = timedelta(weeks=1)
PRICES, SAPS, HOSTINGS = range(1, 7), range(7, 12), range(12, 17)


@pytest.fixture
def database(workspace: Workspace, encoders: Encoders) -> Iterator[Database]:
    """T-001 about prices, T-002 about SAP, T-003 about hosting, each asked by five companies last week."""
    database = workspace.open_database()
    for number, text in enumerate((*PRICE, *SAP, *HOSTING)):
        ask(database, text, company=f"c{number}.example")
    grow_topics(database, encoders, MONDAY)
    assert [insight.topic for insight in load_insights(database)] == [1] * 6 + [2] * 5 + [3] * 5
    yield database
    database.conn.close()


def put(database: Database, topic: int, *insights: int) -> None:
    with transaction(database) as connection:
        connection.executemany("update assignments set topic = ? where insight = ?", ((topic, one) for one in insights))


def found_piece(database: Database, *insights: int) -> int:
    """A topic of its own that the machine made of what belongs to another."""
    number = next_topic_id(database)
    with transaction(database) as connection:
        connection.execute(
            "insert into topics (id, name, slug, category, stage, born_at) values (?, 'A piece?', 'a-piece', 'fit',"
            " 'consideration', ?)",
            (number, MONDAY.isoformat()),
        )
    put(database, number, *insights)
    return number


def regroup(database: Database) -> None:
    database.conn.execute("update readings set harvested = 1")  # the mails hold no words to be understood
    analyze_again(
        database,
        ReadingSettings(Roster(("acme.example",))),
        workers=1,
        zone=ZoneInfo("Europe/Berlin"),
        now=MONDAY + timedelta(days=1),
        decide=lambda changes: True,
        everything=False,
        regroup=True,
    )


def test_without_news_no_digest_goes_out(workspace: Workspace, database: Database, mail_server: SmtpServer) -> None:
    put(database, 2, *PRICES[:3])
    put(database, 3, *PRICES[3:])
    assert send_due_digest(workspace, database, MONDAY).state == "sent"
    regroup(database)
    assert {insight.topic for insight in load_insights(database)} == {2, 3, 4}
    assert send_due_digest(workspace, database, MONDAY + timedelta(days=2)).state == "not-due"
    assert send_due_digest(workspace, database, MONDAY + WEEK).state == "nothing"
    assert len(mail_server.took) == 1


def test_a_topic_of_known_questions_is_not_told_as_new(
    workspace: Workspace, database: Database, mail_server: SmtpServer
) -> None:
    workspace = make_workspace(workspace.folder, mail_server.port, digest="top = 1")
    put(database, 2, *PRICES[:3])
    put(database, 3, *PRICES[3:])
    assert send_due_digest(workspace, database, MONDAY).state == "sent"
    regroup(database)
    ask(database, "Do you train our colleagues?", company="late.example", at=MONDAY + timedelta(days=2))
    assert send_due_digest(workspace, database, MONDAY + WEEK).state == "sent"
    rows = database.conn.execute("select outbox, topic from outbox_topics where block = 'new'").fetchall()
    assert [outbox for outbox, _ in rows] == [1]  # the first digest ever told one; now T-004 is not said to be another


def test_what_became_of_a_topic_that_leads_on_is_told_of_where_it_leads(
    workspace: Workspace, database: Database, mail_server: SmtpServer
) -> None:
    piece = found_piece(database, *HOSTINGS[:2])
    send_due_digest(workspace, database, MONDAY)
    database.conn.execute("update outbox_topics set topic = ? where block = 'write-next'", (piece,))
    regroup(database)
    assert find_topic(database, str(piece)).merged_into == 3
    news = News(MONDAY, MONDAY + WEEK)
    assert gather_material(database, WEEKLY.name, news).suggested == (3,)


def test_old_addresses_lead_to_where_the_questions_are(workspace: Workspace, database: Database) -> None:
    piece = found_piece(database, *HOSTINGS[:2])
    scattered = found_piece(database, PRICES[0], SAPS[0], HOSTINGS[3])
    site = build(workspace, database)
    old = [folder.name for folder in (site / "t").iterdir()]
    regroup(database)
    build(workspace, database)
    assert where(site, f"T-{piece:03d}-a-piece") == f"t/T-003-{find_topic(database, 'T-003').slug}/index.html"
    assert where(site, f"T-{scattered:03d}-a-piece") == "index.html"
    assert all((site / "t" / name / "index.html").exists() for name in old)
    assert "A piece?" not in (site / "topics.csv").read_text()


def where(site: Path, folder: str) -> str | None:
    """To where a page leads on at once, as seen from the index."""
    found = re.search(
        r'http-equiv="refresh" content="0; ?url=\.\./\.\./([^"]+)"', (site / "t" / folder / "index.html").read_text()
    )
    return found[1] if found else None
