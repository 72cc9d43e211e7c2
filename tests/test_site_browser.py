"""The pages in a real browser, opened from disk: search, filters, keyboard, and what may never happen."""

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import axe_playwright_python
import pytest
import servers
from digest_workspace import make_workspace
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from site_material import build, make_small_site, name_topic, tell

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""


@dataclass
class Watched:
    """A page and everything it should not have done."""

    page: Page
    troubles: list[str] = field(default_factory=list)

    def open(self, path: Path) -> Page:
        self.page.goto(path.as_uri())
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        if servers.is_needed("chromium"):
            pytest.fail("this run needs a browser (Debian: chromium)")
        pytest.skip("needs a browser (Debian: chromium)")
    with sync_playwright() as playwright:
        # Debian's start script writes to the console unless it is told where to look for its settings.
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS, env={**os.environ, "LANG": "C.UTF-8"})
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace, database = make_small_site(tmp_path_factory.mktemp("site") / "w")
    return build(workspace, database)


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


def watch(context: BrowserContext, root: str = "file:") -> Watched:
    context.add_init_script(VIOLATIONS)
    watched = Watched(context.new_page())
    watched.page.on("console", lambda message: watched.troubles.append(f"console: {message.text}"))
    watched.page.on("pageerror", lambda error: watched.troubles.append(f"error: {error}"))
    watched.page.on("dialog", lambda dialog: watched.troubles.append(f"dialog: {dialog.message}"))
    watched.page.on(
        "request",
        lambda request: (
            None if request.url.startswith((root, "data:")) else watched.troubles.append(f"request: {request.url}")
        ),
    )
    return watched


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    watched = watch(context)
    yield watched
    assert watched.page.evaluate("window.violations || []") == []
    assert watched.page.evaluate("window.hit") is None
    context.close()
    assert watched.troubles == []


def search(page: Page, words: str) -> list[str]:
    page.locator("[data-search]").fill(words)
    # The engine and the quotes are loaded when somebody begins to search.
    page.locator("[data-results][aria-busy=false]").wait_for(state="attached")
    return [hit.inner_text().split("\n")[0] for hit in page.locator(".results li").all()]


def every_page(site: Path) -> list[Path]:
    """All but the page of the merged topic, which leads away."""
    return sorted(path for path in site.rglob("*.html") if "T-004" not in str(path))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("offline", "Does it work offline in the cellar?"),
        ("OFFL", "Does it work offline in the cellar?"),
        ("ofline cellar", "Does it work offline in the cellar?"),
        ("gerat lauft", "Läuft das Gerät ohne Netz weiter?"),
        ("Gerät", "Läuft das Gerät ohne Netz weiter?"),
        ("zeppelin", "Do you sell spare parts for the zeppelin?"),
        ("mieten", "Kann man das auch mieten?"),
        ("typing", "We lose two days a month on typing."),
    ],
)
def test_search_finds_topics_and_single_insights(watched: Watched, site: Path, words: str, expected: str):
    assert any(expected in hit for hit in search(watched.open(site / "index.html"), words))


def test_topics_come_before_single_insights_and_lead_to_their_page(watched: Watched, site: Path):
    page = watched.open(site / "index.html")
    assert search(page, "offline cellar")[0] == "Does it work offline in the cellar?"
    page.locator(".results a").first.click()
    page.wait_for_url("**/t/T-*/index.html")
    assert page.locator("h1").inner_text() == "Does it work offline in the cellar?"


def test_found_words_are_marked_with_and_without_accents(watched: Watched, site: Path):
    page = watched.open(site / "index.html")
    search(page, "gerat")
    assert page.locator(".results mark").first.inner_text() == "Gerät"


def test_search_says_how_many_it_found(watched: Watched, site: Path):
    page = watched.open(site / "index.html")
    assert search(page, "xylophone") == []
    assert page.locator("[data-found]").inner_text().startswith("Nothing found")
    search(page, "zeppelin")
    assert page.locator("[data-found]").inner_text() == "1 hit"


@pytest.mark.parametrize(
    "words", ["<img src=x onerror=window.hit=1>", "__proto__", "\\", "((((", "*", '"', "a" * 5_000]
)
def test_any_search_is_safe(watched: Watched, site: Path, words: str):
    search(watched.open(site / "index.html"), words)


def test_nothing_of_the_search_is_loaded_before_somebody_searches(watched: Watched, site: Path):
    loaded: list[str] = []
    watched.page.on("request", lambda request: loaded.append(request.url.rsplit("/", 1)[-1]))
    page = watched.open(site / "index.html")
    assert {name for name in loaded if "." in name} == {"index.html", "site.css", "page.js", "search.js"}
    search(page, "offline")
    assert {"minisearch.js", "search-data.js", "search-1.js"} <= set(loaded)


def test_arrows_walk_through_what_was_found(watched: Watched, site: Path):
    page = watched.open(site / "index.html")
    page.keyboard.press("/")
    assert search(page, "offline")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    links = page.locator(".results li > a")
    assert links.nth(1).evaluate("one => one === document.activeElement")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.locator("[data-search]").evaluate("one => one === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/T-001-topic-1/index.html")


def test_slash_leads_to_the_search_from_any_page(watched: Watched, site: Path):
    page = watched.open(site / "t/T-002-topic-2/index.html")
    page.keyboard.press("/")
    page.wait_for_url("**/index.html#search")
    page.locator("[data-search]:focus").wait_for()


def test_what_a_company_asked_is_found_under_its_name(watched: Watched, site: Path):
    page = watched.open(site / "index.html")
    assert "Do you sell spare parts for the zeppelin?" in search(page, "solo.example")
    page.locator(".results small a").first.click()
    page.wait_for_url("**/c/solo.example.html")
    assert page.locator(".voice").count() == 2


def test_the_address_keeps_search_filter_and_order(watched: Watched, site: Path):
    page = watched.open(site / "index.html")
    page.locator("[data-filter=trend]").select_option("new")
    page.locator("[data-sort]").select_option("name")
    assert page.url.endswith("#trend=new&sort=name")
    shown = page.locator("[data-ranked] tbody tr:visible .name a").all_inner_texts()
    assert shown == sorted(shown, key=str.lower)
    page.reload()
    assert page.locator("[data-filter=trend]").input_value() == "new"
    assert page.locator("[data-ranked] tbody tr:visible .name a").all_inner_texts() == shown
    page.locator("[data-clear]").click()
    assert "#" not in page.url
    search(page, "zeppelin")
    assert page.url.endswith("#q=zeppelin")
    page.reload()
    page.locator(".results li").first.wait_for()
    assert "zeppelin" in page.locator(".results li").first.inner_text()


@pytest.mark.parametrize("by", ["grow", "ever", "last", "name"])
def test_every_order_keeps_every_topic(watched: Watched, site: Path, by: str):
    page = watched.open(site / "index.html")
    before = set(page.locator("[data-ranked] .name a").all_inner_texts())
    page.locator("[data-sort]").select_option(by)
    assert set(page.locator("[data-ranked] .name a").all_inner_texts()) == before
    if by == "ever":
        counts = page.locator("[data-ever]").evaluate_all("cells => cells.map((one) => Number(one.dataset.ever))")
        assert counts == sorted(counts, reverse=True)


def test_a_field_of_the_matrix_leads_to_its_topics(watched: Watched, site: Path):
    page = watched.open(site / "coverage.html")
    page.locator(".matrix td a").first.click()
    page.wait_for_url("**/index.html#category=fit&stage=consideration")
    assert page.locator("[data-ranked] tbody tr:visible").count() > 0


def test_a_large_site_shows_the_first_topics_and_leads_to_all(browser: Browser, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("digest.site_render.MOST_ROWS", 3)
    monkeypatch.setattr("digest.site_render.FIRST_ROWS", 2)
    monkeypatch.setattr("digest.site_search.PART_INSIGHTS", 4)
    workspace, database = make_small_site(tmp_path / "w")
    large = build(workspace, database)
    context = browser.new_context()
    watched = watch(context)
    page = watched.open(large / "index.html")
    assert page.locator("[data-ranked] tbody tr").count() == 2
    assert any("Do you sell spare parts" in hit for hit in search(page, "zeppelin"))
    assert len(list(large.glob("assets/search-[0-9]*.js"))) > 3
    search(page, "")
    page.locator("[data-sort]").select_option("ever")
    page.wait_for_url("**/topics.html#sort=ever")
    assert page.locator("[data-ranked] tbody tr").count() == 4
    page.goto((large / "topics.html").as_uri() + "#topic=T-001")
    page.locator(".results li").nth(4).wait_for()
    assert page.locator(".results li").count() == 5
    assert watched.troubles == []
    context.close()


def test_a_server_with_a_strict_policy_gets_no_complaint(browser: Browser, site: Path):
    with serve_folder(site) as root:
        context = browser.new_context()
        watched = watch(context, root)
        page = watched.page
        for path in every_page(site):
            page.goto(f"{root}/{path.relative_to(site)}")
            assert page.locator("h1").count() == 1
            assert page.evaluate("window.violations") == []
        page.goto(f"{root}/index.html")
        assert any("zeppelin" in hit for hit in search(page, "zeppelin"))
        page.goto(f"{root}/t/T-004-topic-4/index.html")
        page.wait_for_url("**/t/T-002-topic-2/index.html")
        assert watched.troubles == []
        context.close()


def test_slash_focuses_and_escape_brings_everything_back(watched: Watched, site: Path):
    page = watched.open(site / "index.html")
    page.keyboard.press("/")
    page.keyboard.type("zeppelin/")
    assert page.locator("[data-search]").input_value() == "zeppelin/"
    assert not page.locator("[data-ranked]").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("[data-ranked]").is_visible()
    assert not page.locator("[data-results]").is_visible()


def test_filters_leave_the_matching_topics(watched: Watched, site: Path):
    page = watched.open(site / "index.html")
    rows = page.locator("[data-ranked] tbody tr:visible")
    everything = rows.count()
    page.locator("[data-filter=trend]").select_option("new")
    assert 0 < rows.count() < everything
    assert all("new" in row.inner_text() for row in rows.all())
    assert page.locator("[data-found]").inner_text().endswith("topics")
    page.locator("[data-filter=trend]").select_option("")
    assert rows.count() == everything


def test_tab_goes_from_the_skip_link_through_search_to_the_first_topic(watched: Watched, site: Path):
    page = watched.open(site / "index.html")
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.className || document.activeElement.tagName"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", "the focus must be visible"
        if page.evaluate("!!document.activeElement.closest('tbody')"):
            break
    assert seen[:2] == ["skip", "brand"]
    assert "INPUT" in seen
    assert seen.count("SELECT") >= 3
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/T-*/index.html")
    page.locator("h1").wait_for()


def test_without_scripts_everything_is_still_there(browser: Browser, site: Path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    assert page.locator("[data-ranked] tbody tr").count() == 4
    assert not page.locator("[data-search]").is_visible()
    assert page.get_by_text("zeppelin").count() == 1
    context.close()


def test_a_merged_topics_address_leads_to_the_carrier(watched: Watched, site: Path):
    page = watched.open(site / "t/T-004-topic-4/index.html")
    page.wait_for_url("**/t/T-002-topic-2/index.html")
    assert page.locator("h1").inner_text() == "What does a seat cost per year?"


def test_every_page_opens_without_a_complaint(watched: Watched, site: Path):
    for path in every_page(site):
        page = watched.open(path)
        assert page.locator("h1").count() == 1
        assert page.evaluate("window.violations") == []
        assert page.evaluate("window.hit") is None


def test_hostile_words_stay_words(watched: Watched, site: Path):
    page = watched.open(site / "t/T-005-topic-5/index.html")
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


def test_links_between_pages_lead_somewhere(watched: Watched, site: Path):
    for path in every_page(site):
        page = watched.open(path)
        for link in page.locator("a[href]").all():
            href = link.get_attribute("href") or ""
            if not href.startswith(("http", "#")):
                assert (path.parent / href.split("#")[0]).resolve().is_file(), f"{path} -> {href}"


@pytest.mark.parametrize("width", [320, 768])
def test_nothing_scrolls_sideways(browser: Browser, site: Path, tmp_path: Path, width: int):
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
    for path in (*every_page(site), *every_page(long_site)):
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
def test_no_accessibility_rule_is_broken(browser: Browser, site: Path, tmp_path: Path, scheme: str, width: int):
    empty = make_workspace(tmp_path / "w", 1)
    pages = [path for path in every_page(site) if path.parent.name != "c" or "globex" in path.name]
    pages += every_page(build(empty, empty.open_database()))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    for path in pages:
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        if page.locator("[data-search]").count() and path.parent == site:
            search(page, "offline")
            assert broken_rules(page) == [], f"search on {path}"
            search(page, "")
        assert broken_rules(page) == [], path
    context.close()


def broken_rules(page: Page) -> list[str]:
    """What axe-core finds, as "rule: element"."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]


def test_headings_go_down_one_step_at_a_time(watched: Watched, site: Path):
    for path in every_page(site):
        levels = watched.open(path).evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])")
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels)), path


def test_larger_text_loses_nothing(browser: Browser, site: Path):
    context = browser.new_context(viewport={"width": 640, "height": 800})
    page = context.new_page()
    for path in every_page(site):
        page.goto(path.as_uri())
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, path
    context.close()


def test_the_page_prints_without_its_tools(browser: Browser, site: Path):
    context = browser.new_context()
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    page.emulate_media(media="print")
    assert not page.locator("[data-search]").is_visible()
    assert page.locator("[data-ranked]").is_visible()
    context.close()
