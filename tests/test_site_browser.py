"""The pages in a real browser, opened from disk: what they must show everybody, and what may never happen."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from browsing import Watched, broken_rules, every_page, search, watch
from digest_workspace import make_workspace
from playwright.sync_api import Browser
from site_material import build, name_topic, tell

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


class StrictHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files as a careful administrator would."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """The folder on a free port of this machine; yields the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(StrictHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_with_a_strict_policy_gets_no_complaint(browser: Browser, small_site: Path):
    with serve_folder(small_site) as root:
        context = browser.new_context()
        watched = watch(context, root)
        page = watched.page
        for path in every_page(small_site):
            page.goto(f"{root}/{path.relative_to(small_site)}")
            assert page.locator("h1").count() == 1
            assert page.evaluate("window.violations") == []
        page.goto(f"{root}/index.html")
        assert any("zeppelin" in hit for hit in search(page, "zeppelin"))
        page.goto(f"{root}/t/T-004-topic-4/index.html")
        page.wait_for_url("**/t/T-002-topic-2/index.html")
        assert watched.troubles == []
        context.close()


def test_without_scripts_everything_is_still_there(browser: Browser, small_site: Path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((small_site / "index.html").as_uri())
    assert page.locator("[data-ranked] tbody tr").count() == 4
    assert not page.locator("[data-search]").is_visible()
    assert page.get_by_text("zeppelin").count() == 1
    context.close()


def test_a_merged_topics_address_leads_to_the_carrier(watched: Watched, small_site: Path):
    page = watched.open(small_site / "t/T-004-topic-4/index.html")
    page.wait_for_url("**/t/T-002-topic-2/index.html")
    assert page.locator("h1").inner_text() == "What does a seat cost per year?"


def test_every_page_opens_without_a_complaint(watched: Watched, small_site: Path):
    for path in every_page(small_site):
        page = watched.open(path)
        assert page.locator("h1").count() == 1
        assert page.evaluate("window.violations") == []
        assert page.evaluate("window.hit") is None


def test_hostile_words_stay_words(watched: Watched, small_site: Path):
    page = watched.open(small_site / "t/T-005-topic-5/index.html")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    text = page.locator("main").inner_text()
    for words in (
        "<img src=x onerror=window.hit=1>",
        "{{ 7*7 }}",
        "&lt;b&gt;",
        "</script><script>window.hit=1</script>",
    ):
        assert words in text
    assert "49" not in page.locator("h1").inner_text()
    assert page.locator("main script, main img, main iframe, main [onload], main [onerror]").count() == 0
    for link in page.locator("main a").all():
        assert (link.get_attribute("href") or "").startswith(("https://", "http://"))


def test_links_between_pages_lead_somewhere(watched: Watched, small_site: Path):
    for path in every_page(small_site):
        page = watched.open(path)
        for link in page.locator("a[href]").all():
            href = link.get_attribute("href") or ""
            if not href.startswith(("http", "#")):
                assert (path.parent / href.split("#")[0]).resolve().is_file(), f"{path} -> {href}"


@pytest.mark.parametrize("width", [320, 768])
def test_nothing_scrolls_sideways(browser: Browser, small_site: Path, tmp_path: Path, width: int):
    workspace = make_workspace(tmp_path / "w", 1)
    database = workspace.open_database()
    huge = "Donaudampfschifffahrtsgesellschaft" * 12
    tell(database, f"What about {huge}?", topic=1, answer=f"See https://acme.example/{'a' * 400} {huge}",
         link=f"https://acme.example/{'a' * 400}", file_name=f"{huge}.pdf", author=huge)  # fmt: skip
    name_topic(database, 1, f"{huge}?")
    tell(database, "مرحبا هل يعمل هذا مع SAP؟ " * 8, topic=2, language="ar")
    name_topic(database, 2, "مرحبا هل يعمل هذا مع SAP؟")
    tell(database, huge)
    long_site = build(workspace, database)
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    for path in (*every_page(small_site), *every_page(long_site)):
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


def test_arabic_reads_from_right_to_left(browser: Browser, tmp_path: Path):
    workspace = make_workspace(tmp_path / "w", 1)
    database = workspace.open_database()
    tell(database, "مرحبا هل يعمل هذا؟", topic=1, language="ar")
    name_topic(database, 1, "مرحبا هل يعمل هذا؟")
    site = build(workspace, database)
    context = browser.new_context()
    page = context.new_page()
    page.goto((site / "t/T-001-topic-1/index.html").as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).direction") == "rtl"
    assert page.evaluate("getComputedStyle(document.querySelector('blockquote')).direction") == "rtl"
    context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 375)])
def test_no_accessibility_rule_is_broken(browser: Browser, small_site: Path, tmp_path: Path, scheme: str, width: int):
    empty = make_workspace(tmp_path / "w", 1)
    pages = [path for path in every_page(small_site) if path.parent.name != "c" or "globex" in path.name]
    pages += every_page(build(empty, empty.open_database()))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    for path in pages:
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        if page.locator("[data-search]").count() and path.parent == small_site:
            search(page, "offline")
            assert broken_rules(page) == [], f"search on {path}"
            search(page, "")
        assert broken_rules(page) == [], path
    context.close()


def test_headings_go_down_one_step_at_a_time(watched: Watched, small_site: Path):
    for path in every_page(small_site):
        levels = watched.open(path).evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])")
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels)), path


def test_larger_text_loses_nothing(browser: Browser, small_site: Path):
    context = browser.new_context(viewport={"width": 640, "height": 800})
    page = context.new_page()
    for path in every_page(small_site):
        page.goto(path.as_uri())
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, path
    context.close()


def test_the_page_prints_without_its_tools(browser: Browser, small_site: Path):
    context = browser.new_context()
    page = context.new_page()
    page.goto((small_site / "index.html").as_uri())
    page.emulate_media(media="print")
    assert not page.locator("[data-search]").is_visible()
    assert page.locator("[data-ranked]").is_visible()
    context.close()
