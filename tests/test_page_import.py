"""Importing pages again updates and never doubles; what is gone is flagged; what people said holds."""

import gzip
import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from digest_material import MONDAY
from digest_workspace import ask, make_workspace
from typer.testing import CliRunner
from web_server import run_web

from answers import app
from harvester.database import open_database
from harvester.errors import AnswersError, BrokenSource, NotFetched, ServiceDown, UsageError
from harvester.web import Fetcher
from nlp.embedding import load_packaged_encoders
from nlp.page_sources import Wish, list_pages
from nlp.page_steps import match_pages
from nlp.page_store import changes_known, count_pages, load_coverage, load_pages, name_page, save_import
from nlp.pages import ListedPage

NOW = datetime(2026, 11, 16, 7, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PRICING = ListedPage(
    "https://www.acme.example/pricing",
    "What Acme costs",
    "The price per seat and month, and the discount for many seats.",
)
SAP = ListedPage(
    "https://www.acme.example/sap",
    "Acme and SAP",
    "How orders and stock flow between Acme and your SAP system at night.",
)
CANTEEN = ListedPage("https://www.acme.example/canteen", "Our new canteen", "Soup on Mondays and a view of the river.")


@pytest.fixture
def database(tmp_path):
    database = open_database(tmp_path / "answers.db")
    yield database
    database.conn.close()


@pytest.fixture
def asked(database):
    """Topic 1 asks for SAP, topic 2 for the price, topic 3 for something without a page."""
    for company in ("globex", "initech", "hooli"):
        ask(database, "Does it exchange orders with our SAP system?", company=f"{company}.example", topic=1)
        ask(database, "What is the price per seat and month?", company=f"{company}.example", topic=2)
        ask(database, "Who trains our night shift, and how long does that take?", company=f"{company}.example", topic=3)
    return database


def read(source, *, fetch=None, base_url="", changes=None):
    fetcher = Fetcher(frozenset({"127.0.0.1"}), sleep=lambda seconds: None)
    return list_pages(Wish(str(source), fetch, base_url), fetcher, changes or {})


def cover(database, *pages, at=NOW, source="list"):
    save_import(database, source, pages, at)
    match_pages(database)
    return {topic: one.coverage for topic, one in load_coverage(database).items()}


def run(folder, *arguments):
    return CliRunner().invoke(app, ["--config", str(folder / "answers.toml"), *arguments])


def test_importing_again_updates_and_never_doubles(database):
    first = save_import(database, "list", [PRICING, SAP], NOW)
    assert (first.new, first.changed, first.same, first.gone) == (2, 0, 0, 0)
    again = save_import(database, "list", [PRICING, replace(SAP, title="SAP and Acme")], LATER)
    assert (again.new, again.changed, again.same, again.gone) == (0, 1, 1, 0)
    other_spelling = replace(PRICING, url="http://acme.example/pricing/?utm_source=x", title="")
    assert save_import(database, "feed", [other_spelling], LATER, is_complete=False).new == 0
    assert [page.title for page in load_pages(database)] == ["What Acme costs", "SAP and Acme"]


def test_a_page_that_is_listed_no_more_is_flagged_and_comes_back(asked):
    assert cover(asked, PRICING, SAP) == {1: "answered", 2: "answered", 3: "none"}
    assert cover(asked, PRICING, at=LATER) == {1: "none", 2: "answered", 3: "none"}
    gone = {page.url: page.gone_at for page in load_pages(asked)}
    assert gone == {PRICING.url: None, SAP.url: LATER}
    assert cover(asked, PRICING, SAP, at=LATER)[1] == "answered"


def test_a_feed_that_moved_on_and_a_second_source_keep_a_page(database):
    save_import(database, "feed", [PRICING], NOW, is_complete=False)
    assert save_import(database, "feed", [SAP], LATER, is_complete=False).gone == 0
    save_import(database, "list", [PRICING], LATER)
    save_import(database, "list", [CANTEEN], LATER)
    assert all(page.gone_at is None for page in load_pages(database))


def test_topics_find_their_pages_with_verdict_score_and_reason(asked):
    cover(asked, PRICING, SAP, CANTEEN)
    coverage = load_coverage(asked)
    assert (coverage[1].verdict, coverage[1].url) == ("send", SAP.url)
    assert (coverage[3].verdict, coverage[3].url, coverage[3].best) == ("new-page", "", None)
    best = coverage[1].best
    assert best.score > 0.5
    assert "SAP" in best.reason
    assert not any(match.page.url == CANTEEN.url for one in coverage.values() for match in one.matches)


def test_links_that_colleagues_sent_tell_the_page(asked):
    bare = ListedPage("https://www.acme.example/academy", "Academy")
    assert cover(asked, bare)[3] == "none"
    asked.conn.execute("update insights set answer = 'It is in our academy.'")
    messages = [row[0] for row in asked.conn.execute("select i.message from insights i join assignments a on a.insight"
                                                     " = i.id where a.topic = 3")]  # fmt: skip
    asked.conn.executemany(
        "insert into links values (?, 'https://acme.example/academy?utm_source=mail', '')", [(m,) for m in messages]
    )
    assert cover(asked, bare)[3] in ("partly", "answered")
    best = load_coverage(asked)[3].best
    assert (best.links_sent, best.reason) == (3, "colleagues sent it in 3 answers to this")


class Noting:
    """An encoder that remembers what it was asked."""

    def __init__(self, encoder):
        self.encoder, self.name, self.size, self.asked = encoder, encoder.name, encoder.size, []

    def embed(self, texts):
        self.asked += texts
        return self.encoder.embed(texts)


def test_matching_again_changes_nothing_and_embeds_only_what_is_new(asked):
    cover(asked, PRICING, SAP, CANTEEN)
    before = asked.conn.execute("select * from page_matches order by topic, page").fetchall()
    english = Noting(load_packaged_encoders().english)
    encoders = replace(load_packaged_encoders(), english=english)
    assert match_pages(asked, lambda: encoders) == 2
    assert asked.conn.execute("select * from page_matches order by topic, page").fetchall() == before
    assert not any("SAP" in text for text in english.asked)
    ask(asked, "Can SAP read our stock at night?", company="new.example", topic=1)
    match_pages(asked, lambda: encoders)
    assert "Can SAP read our stock at night?" in english.asked
    assert "What is the price per seat and month?" not in english.asked


def test_a_persons_word_holds_through_import_analysis_and_merge(tmp_path):
    folder = make_workspace(tmp_path / "work", 1).folder
    database = open_database(folder / "answers.db")
    for company in ("globex", "initech"):
        ask(database, "Does it exchange orders with our SAP system?", company=f"{company}.example", topic=1)
        ask(database, "What is the price per seat and month?", company=f"{company}.example", topic=2)
    cover(database, PRICING, SAP)
    assert run(folder, "topic", "page", "T-001", SAP.url, "--not", "--by", "Mo").exit_code == 0
    assert load_coverage(database)[1].coverage == "none"
    assert cover(database, PRICING, SAP, at=LATER)[1] == "none"
    (ruled,) = load_coverage(database)[1].matches
    assert (ruled.decided_by, ruled.reason) == ("Mo", "Mo said that it does not answer this")
    assert run(folder, "topic", "page", "T-001", PRICING.url, "--partly", "--by", "Mo").exit_code == 0
    assert load_coverage(database)[1].verdict == "extend"
    assert run(folder, "topic", "merge", "T-002", "T-001").exit_code == 0
    assert load_coverage(database)[1].coverage == "partly"
    assert run(folder, "topic", "undo", "T-002").exit_code == 0
    assert run(folder, "topic", "undo", "T-001").exit_code == 0
    assert load_coverage(database)[1].coverage == "none"
    assert run(folder, "topic", "undo", "T-001").exit_code == 0
    assert cover(database, PRICING, SAP, at=LATER)[1] == "answered"
    database.conn.close()


def test_a_page_that_no_source_lists_can_be_named_by_hand(tmp_path):
    folder = make_workspace(tmp_path / "work", 1).folder
    database = open_database(folder / "answers.db")
    ask(database, "Does it exchange orders with our SAP system?", topic=1)
    done = run(folder, "topic", "page", "T-001", "https://docs.acme.example/sap", "--answers", "--json")
    assert json.loads(done.stdout)["done"] == "page answers https://docs.acme.example/sap"
    assert load_coverage(database)[1].url == "https://docs.acme.example/sap"
    save_import(database, "list", [ListedPage("https://docs.acme.example/sap", "SAP guide")], LATER)
    assert count_pages(database) == 1
    assert load_coverage(database)[1].best.page.title == "SAP guide"
    database.conn.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("T-009", SAP.url, "--answers"), "there is no topic T-009"),
        (("T-001", SAP.url), "say one of --answers, --partly, --not"),
        (("T-001", SAP.url, "--answers", "--not"), "say one of --answers, --partly, --not"),
        (("T-001", "javascript:alert(1)", "--answers"), "is not the address of a page"),
    ],
)
def test_a_ruling_that_makes_no_sense_changes_nothing(tmp_path, arguments, sentence):
    folder = make_workspace(tmp_path / "work", 1).folder
    database = open_database(folder / "answers.db")
    ask(database, "Does it exchange orders with our SAP system?", topic=1)
    with pytest.raises(UsageError, match=sentence):
        CliRunner().invoke(
            app, ["--config", str(folder / "answers.toml"), "topic", "page", *arguments], catch_exceptions=False
        )
    assert count_pages(database) == 0
    database.conn.close()


def test_a_published_topic_is_answered_by_its_page_whatever_the_machine_thinks(asked):
    cover(asked, PRICING, SAP)
    asked.conn.execute("update topics set status = 'published', status_detail = ? where id = 3", (PRICING.url,))
    coverage = load_coverage(asked)[3]
    assert (coverage.verdict, coverage.best.page.title, coverage.best.decided_by) == ("send", PRICING.title, "status")
    asked.conn.execute("update topics set status_detail = 'https://acme.example/new' where id = 3")
    assert load_coverage(asked)[3].url == "https://acme.example/new"


def test_a_sitemap_address_reads_its_pages_within_robots_txt_and_only_once():
    with run_web() as web:
        page = "<html lang='en'><title>{0}</title><main><h1>{0}</h1><p>{1}</p></main>"
        web.pages.update(
            {
                "/sitemap.xml": b"<sitemapindex><sitemap><loc>"
                + f"{web.base}/one.xml.gz</loc></sitemap></sitemapindex>".encode(),
                "/one.xml.gz": gzip.compress(
                    f"<urlset><url><loc>{web.base}/a</loc><lastmod>1</lastmod></url><url><loc>{web.base}/b</loc></url>"
                    f"<url><loc>{web.base}/secret</loc></url><url><loc>{web.base}/missing</loc></url>"
                    f"<url><loc>https://elsewhere.example/x</loc></url></urlset>".encode()
                ),
                "/robots.txt": b"User-agent: *\nDisallow: /secret",
                "/a": page.format("Price list", "Thirty euro").encode(),
                "/b": page.format("Offline", "In the cellar").encode(),
            }
        )
        found = read(f"{web.base}/sitemap.xml")
        assert [(one.title, one.text) for one in found.pages] == [
            ("Price list", "Price list Thirty euro"),
            ("Offline", "Offline In the cellar"),
            ("Secret", ""),
            ("Missing", ""),
            ("X", ""),
        ]
        assert found.unread == 3
        assert "/secret" not in web.paths
        web.asked.clear()
        key = f"127.0.0.1:{web.port}/a"
        again = read(f"{web.base}/sitemap.xml", changes={key: "1"})
        assert "/a" not in web.paths
        assert "/b" in web.paths
        assert again.pages[0].title == ""  # what is known of it stays
        assert len(read(f"{web.base}/sitemap.xml", fetch=False).pages) == 5


def test_the_marks_of_change_are_remembered_for_pages_whose_text_was_read(database):
    pages = [replace(PRICING, text="Thirty euro", changed_at="1"), replace(SAP, changed_at="2")]
    save_import(database, "s", pages, NOW)
    assert changes_known(database, "s") == {"acme.example/pricing": "1"}
    assert changes_known(database, "other") == {}


def test_a_host_that_dies_on_the_way_changes_nothing(tmp_path):
    folder = make_workspace(tmp_path / "work", 1).folder
    with run_web() as web:
        pages = "".join(f"<url><loc>{web.base}/{n}</loc></url>" for n in range(5))
        web.pages["/sitemap.xml"] = f"<urlset>{pages}</urlset>".encode()
        web.pages.update({f"/{n}": b"cut" for n in range(5)})
        with pytest.raises(ServiceDown, match="broke off"):
            read(f"{web.base}/sitemap.xml")
        web.pages["/sitemap.xml"] = 500
        with pytest.raises(NotFetched, match=r"answers 500 .*nothing was changed"):
            read(f"{web.base}/sitemap.xml")
    assert run(folder, "import-pages", f"{web.base}/sitemap.xml").exit_code != 0
    database = open_database(folder / "answers.db")
    assert count_pages(database) == 0
    database.conn.close()


def test_a_sitemap_file_asks_nobody_unless_it_is_told_to(tmp_path):
    path = tmp_path / "sitemap.xml"
    with run_web() as web:
        web.pages["/price-list"] = b"<html><title>Prices</title><p>Thirty euro</p>"
        path.write_text(f"<urlset><url><loc>{web.base}/price-list</loc></url></urlset>")
        assert [page.title for page in read(path).pages] == ["Price list"]
        assert web.asked == []
        assert [page.title for page in read(path, fetch=True).pages] == ["Prices"]
    path.write_text("<sitemapindex><sitemap><loc>https://acme.example/1.xml</loc></sitemap></sitemapindex>")
    with pytest.raises(UsageError, match="--fetch reads them"):
        read(path)


def test_a_folder_is_read_with_addresses_from_files_or_from_the_base(tmp_path):
    folder = tmp_path / "content"
    (folder / "blog").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "pricing.md").write_text("# What it costs\n\nThirty euro.")
    (folder / "blog" / "index.md").write_text("---\ntitle: Blog\nurl: https://blog.acme.example/\n---\nHello")
    (folder / "blog" / "sap.html").write_text("<html><title>SAP</title><body>Orders</body></html>")
    (folder / ".git" / "x.md").write_text("# Not content")
    (folder / "notes.txt").write_text("not a page")
    (folder / "out.md").symlink_to("/etc/hostname")
    found = {page.url: page.title for page in read(folder, base_url="https://acme.example").pages}
    assert found == {
        "https://acme.example/pricing": "What it costs",
        "https://blog.acme.example/": "Blog",
        "https://acme.example/blog/sap.html": "SAP",
    }
    assert "pricing.md" in {page.url for page in read(folder).pages}


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda path: None, UsageError, "does not exist"),
        (lambda path: path.mkdir(), BrokenSource, "holds no Markdown or HTML files"),
        (lambda path: os.mkfifo(path), UsageError, "is no file"),
        (lambda path: path.write_bytes(b"<urlset></urlset>"), BrokenSource, "lists no pages"),
        (lambda path: (path.write_text("url\nhttps://a.example/"), path.chmod(0)), AnswersError, "cannot be read"),
    ],
)
def test_a_source_that_gives_nothing_is_one_sentence(tmp_path, make, error, sentence):
    path = tmp_path / "source"
    make(path)
    if sentence == "cannot be read" and os.geteuid() == 0:
        pytest.skip("root reads everything")
    with pytest.raises(error, match=sentence):
        read(path)


def test_the_command_takes_pages_csv_of_the_workspace_and_says_what_changed(tmp_path):
    folder = make_workspace(tmp_path / "work", 1).folder
    lines = ["url,title,published,summary", "https://acme.example/p,Price list,2026-04-03,Thirty euro"]
    (folder / "pages.csv").write_text("\n".join(lines))
    assert run(folder, "import-pages").stdout.startswith("1 page: 1 new, 0 changed, 0 as before.")
    (folder / "pages.csv").write_text("\n".join([lines[0], "https://acme.example/q,Other,,"]))
    got = json.loads(run(folder, "import-pages", "--json").stdout)
    assert (got["new"], got["gone"]) == (1, 1)
    (shown, other) = json.loads(run(folder, "pages", "--json").stdout)
    assert (shown["title"], shown["published"], bool(shown["gone_at"])) == ("Price list", "2026-04-03", True)
    assert other["gone_at"] is None
    assert "gone since" in run(folder, "pages").stdout


def test_topics_and_export_tell_coverage_and_verdict(tmp_path):
    folder = make_workspace(tmp_path / "work", 1).folder
    database = open_database(folder / "answers.db")
    ask(database, "Does it exchange orders with our SAP system?", topic=1)
    name_page(database, SAP.url, NOW)
    database.conn.close()
    run(folder, "topic", "page", "T-001", SAP.url, "--answers")
    (topic,) = json.loads(run(folder, "topics", "--until", "2026-11-16", "--json").stdout)
    assert (topic["coverage"], topic["verdict"], topic["page_url"]) == ("answered", "send", SAP.url)
    document = json.loads(run(folder, "export", "--json").stdout)
    assert document["topics"][0]["coverage"] == "answered"
    assert set(document["alignment"]) == {"first", "last", "answered", "asked", "share", "pairs"}


def test_export_holds_the_list_behind_the_alignment_index(tmp_path):
    folder = make_workspace(tmp_path / "work", 1).folder
    database = open_database(folder / "answers.db")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    ask(database, "Does it exchange orders with our SAP system?", company="globex.example", topic=1, at=yesterday)
    ask(database, "What is the price?", company="initech.example", topic=2, at=yesterday)
    database.conn.close()
    run(folder, "topic", "page", "T-001", SAP.url, "--answers")
    alignment = json.loads(run(folder, "export", "--json").stdout)["alignment"]
    assert (alignment["answered"], alignment["asked"], alignment["share"]) == (1, 2, None)
    assert alignment["pairs"] == [
        {"company": "globex.example", "topic": "T-001", "page": SAP.url},
        {"company": "initech.example", "topic": "T-002", "page": None},
    ]


def test_the_command_tells_who_claims_and_when_a_page_went_live(tmp_path):
    folder = make_workspace(tmp_path / "work", 1).folder
    database = open_database(folder / "answers.db")
    ask(database, "Does it exchange orders with our SAP system?", topic=1)
    database.conn.close()

    def status(*arguments):
        return json.loads(run(folder, "topic", "status", "T-001", *arguments, "--json").stdout)["topic"]

    assert status("claimed", "--by", "Mo")["status_detail"] == "Mo"
    assert status("drafting")["status_detail"] == "Mo"
    assert status("published", SAP.url, "--on", "2026-10-01")["status_detail"] == SAP.url
    assert isinstance(run(folder, "topic", "status", "T-001", "open", "--on", "2026-10-01").exception, UsageError)
    assert isinstance(run(folder, "topic", "status", "T-001", "published").exception, UsageError)
    assert run(folder, "topic", "undo", "T-001").exit_code == 0
    assert status("snoozed", "2999-01-31")["status"] == "snoozed"


def test_a_date_in_the_list_is_the_day_of_publishing(database):
    save_import(database, "list", [replace(PRICING, published_on=date(2026, 4, 3))], MONDAY)
    assert load_pages(database)[0].published_on == date(2026, 4, 3)
