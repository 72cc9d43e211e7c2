"""The files of a built site: what they hold, what they keep from build to build, and lists for other programs."""

import csv
import io
import json
import os
import re
import time
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from digest_material import MONDAY
from digest_workspace import make_workspace
from site_material import HOSTILE, build, build_as, dismiss, make_small_site, merge, name_topic, read_site, tell

from digest.site_halves import FEW, share_work
from harvester.database import utc_text
from nlp.records import topic_id


def test_site_of_an_empty_workspace_says_what_to_do(tmp_path: Path):
    workspace = make_workspace(tmp_path / "w", 1)
    site = build(workspace, workspace.open_database())
    index = (site / "index.html").read_text()
    assert "answers status" in index
    assert "data-search" not in index
    assert not (site / "t").exists()


def test_three_insights_are_three_lines_under_their_category(tmp_path: Path):
    workspace = make_workspace(tmp_path / "w", 1)
    database = workspace.open_database()
    for number, text in enumerate(("Is it safe?", "What is the price?", "Who uses it?")):
        tell(database, text, company=f"c{number}.example")
    index = (build(workspace, database) / "index.html").read_text()
    assert index.count('<li class="voice">') == 3
    assert "<details open>" in index


def test_pages_of_topics_do_not_change_with_the_clock(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    site = build(workspace, database)
    before = {path: path.stat().st_mtime_ns for path in site.rglob("t/*/index.html")}
    build(workspace, database, MONDAY.replace(minute=59))
    assert before == {path: path.stat().st_mtime_ns for path in site.rglob("t/*/index.html")}
    assert "59" in (site / "index.html").read_text()


def test_files_load_nothing_from_elsewhere_and_hold_no_inline_code(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    for path in build(workspace, database).rglob("*.html"):
        html = path.read_text()
        assert "default-src 'none'" in html
        assert not re.search(r"<style|\sstyle=|\son\w+=\"|<script(?! src=\"(?:\.\./){0,2}assets/)", html), path
        assert not re.search(r"(?:src|<link[^>]*href)=\"(?:https?:)?//", html), path


def test_history_tells_every_decision(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    log = "insert into decisions (decided_at, author, verb, topic, detail, undone_at) values (?, 'ana', ?, ?, ?, ?)"
    database.conn.execute(log, ("2026-11-02T10:00:00+00:00", "merge", 4, '{"into": "T-002", "before": {}}', None))
    database.conn.execute(
        log, ("2026-11-03T10:00:00+00:00", "rename", 2, '{"name": "Cost?"}', "2026-11-04T00:00:00+00:00")
    )
    page = (build(workspace, database) / "t/T-002-topic-2/index.html").read_text()
    assert "T-004 merged into it by ana." in page
    assert "Renamed to “Cost?” by ana. Taken back since." in page


def test_dismissed_topics_are_nowhere_but_in_their_redirect(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    dismiss(database, 3)
    site = build(workspace, database)
    assert "my own data" not in (site / "index.html").read_text()
    assert "my own data" not in (site / "assets/search-data.js").read_text()
    assert "my own data" not in (site / "assets/search-1.js").read_text()
    assert 'url=../../index.html"' in (site / f"t/{topic_id(3)}-topic-3/index.html").read_text()


def test_hostile_texts_are_escaped_wherever_they_stand(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    site = build(workspace, database)
    for path in (*site.rglob("*.html"), site / "assets/search-data.js"):
        text = path.read_text()
        for payload in HOSTILE:
            if "<" in payload:
                assert payload not in text, path
        assert 'href="javascript' not in text


def test_merging_twice_keeps_one_page(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    name_topic(database, 3, "Deleted?", by="ana")
    merge(database, 2, 3)
    site = build(workspace, database)
    assert "../../t/T-003-topic-3/index.html" in (site / "t/T-004-topic-4/index.html").read_text()
    assert "discount for schools" in (site / "t/T-003-topic-3/index.html").read_text()


def test_two_processes_build_what_one_builds(tmp_path: Path, monkeypatch):
    workspace, database = make_small_site(tmp_path / "w")
    alone = read_site(build(workspace, database))
    monkeypatch.setattr("digest.site_halves.FEW", 1)
    assert read_site(build_as("internal", "shared", workspace, database)) == alone


def test_each_task_is_done_once_and_both_processes_take_part():
    def work(task: int) -> tuple[int, int, bytes]:
        time.sleep(0.02 if task % 100 == 0 else 0)
        return task, os.getpid(), b"%d" % task * 500  # all together more than a pipe holds

    done = list(share_work(range(5_000), work, size=FEW, workers=2))
    assert sorted(task for task, _, _ in done) == list(range(5_000))
    assert len({process for _, process, _ in done}) == 2
    assert all(page == b"%d" % task * 500 for task, _, page in done)


@pytest.mark.parametrize("done_before", [0, 3])
def test_a_helper_that_dies_costs_no_page(done_before):
    parent, count = os.getpid(), 0

    def work(task: int) -> int:
        nonlocal count
        if os.getpid() != parent:
            count += 1
            if count > done_before:
                os._exit(9)
        else:
            time.sleep(0.01)
        return task * 2

    assert sorted(share_work(range(30), work, size=FEW, workers=2)) == [task * 2 for task in range(30)]


def test_outlines_of_a_huge_archive_come_with_the_next_builds(tmp_path: Path, monkeypatch):
    workspace, database = make_small_site(tmp_path / "w")
    monkeypatch.setattr("digest.site_inside.MOST_AT_ONCE", 1)
    counts = [read_site(build(workspace, database)).count('id="outline"') for _ in range(5)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] == 4


def test_what_is_kept_of_a_topic_goes_with_its_insights(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    build(workspace, database)
    count = "select count(*) from outlines"
    assert database.conn.execute(count).fetchone()[0] == 4
    database.conn.execute("update insights set text = 'Something else?' where id = 1")
    assert database.conn.execute(count).fetchone()[0] == 0
    build(workspace, database)
    database.conn.execute("delete from insights where id = 2")
    assert database.conn.execute(count).fetchone()[0] == 0


def test_conflicts_are_told_before_the_answers_with_who_said_what_when(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    for days, author in ((14, "Ana Reyes"), (30, "Ben Okafor")):
        tell(database, f"How long may it stay offline, asks {author[:3]}?", topic=2, author=author,
             answer=f"The tablet keeps your rounds for {days} days before it needs a signal.")  # fmt: skip
    page = (build(workspace, database) / "t/T-002-topic-2/index.html").read_text()
    told = page.index("Different figures")
    assert told < page.index('<article class="answer')
    conflict = page[told : page.index("</div>", told)]
    assert "14 days" in conflict
    assert "30 days" in conflict
    assert "Ana Reyes" in conflict
    assert "Ben Okafor" in conflict


def test_feed_lists_what_is_new_and_rising_and_is_the_same_next_time(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    site = build(workspace, database)
    feed = (site / "feed.xml").read_bytes()
    root = ElementTree.fromstring(feed)
    space = "{http://www.w3.org/2005/Atom}"
    links = [entry.find(f"{space}link").get("href") for entry in root.iter(f"{space}entry")]
    assert "t/T-002-topic-2/index.html" in links
    assert "t/T-003-topic-3/index.html" not in links
    assert all((site / link).is_file() for link in links)
    assert len({entry.find(f"{space}id").text for entry in root.iter(f"{space}entry")}) == len(links)
    build(workspace, database, MONDAY.replace(minute=59))
    assert (site / "feed.xml").read_bytes() == feed


def test_no_cell_of_the_lists_is_a_formula(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    starts = ("=HYPERLINK(1)", "+1", "-1+1", "@SUM(1)", " =1", "\t=1", "＝1", "|x", "%0A")
    for number, start in enumerate(starts):
        tell(database, f"{start} what about it?", company=f"f{number}.example", context=f"{start} context")
    name_topic(database, 1, "=cmd|'/C calc'!A0", by="ana")
    site = build(workspace, database)
    for name, least in (("topics.csv", 4), ("unplaced.csv", 2 + len(starts))):
        data = (site / name).read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
        assert len(rows) == least + 1
        assert not [
            cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "-", "@", "＝", "|", "%"))
        ]


def test_lists_hold_what_the_index_shows(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    site = build(workspace, database)
    document = json.loads((site / "index.json").read_text())
    rows = list(csv.DictReader(io.StringIO((site / "topics.csv").read_text(encoding="utf-8-sig"), newline="")))
    assert [topic["id"] for topic in document["topics"]] == [row["id"] for row in rows]
    assert document["topics"][0]["companies"] == int(rows[0]["companies"])
    assert {one["text"] for one in document["without_topic"]} >= {"Kann man das auch mieten?"}
    assert all((site / topic["url"]).is_file() for topic in document["topics"])


def test_no_search_engine_is_invited(tmp_path: Path):
    site = build(*make_small_site(tmp_path / "w"))
    assert not list(site.rglob("sitemap*"))
    assert "Disallow: /" in (site / "robots.txt").read_text()
    for path in site.rglob("*.html"):
        assert '<meta name="robots" content="noindex, nofollow">' in path.read_text(), path


def test_a_renamed_topic_keeps_its_address(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    before = {path.parent.name for path in build(workspace, database).rglob("t/*/index.html")}
    name_topic(database, 1, "Works without a network", by="ana")
    site = build(workspace, database)
    assert {path.parent.name for path in site.rglob("t/*/index.html")} == before
    assert "Works without a network" in (site / "t/T-001-topic-1/index.html").read_text()


def test_changes_are_counted_from_the_last_digest_that_went_out(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    database.conn.execute(
        "insert into outbox (audience, week, message_id, recipients, mail, state, state_at, covers_from, covers_until)"
        " values ('marketing', '2026-W46', '<x>', '[]', x'', 'sent', ?, '', ?)",
        (utc_text(MONDAY - timedelta(days=2)),) * 2,
    )
    index = (build(workspace, database) / "index.html").read_text()
    assert "Since the digest of 14 Nov 2026: 6 companies asked 6 things" in index
    assert "What does a seat cost per year?" in index[index.index("Asked again") : index.index("data-tools")]
