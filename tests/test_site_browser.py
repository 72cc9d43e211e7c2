"""The pages in a real browser, opened from disk: search, filters, keyboard, and what may never happen."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
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


def watch(context: BrowserContext) -> Watched:
    context.add_init_script(VIOLATIONS)
    watched = Watched(context.new_page())
    watched.page.on("console", lambda message: watched.troubles.append(f"console: {message.text}"))
    watched.page.on("pageerror", lambda error: watched.troubles.append(f"error: {error}"))
    watched.page.on("dialog", lambda dialog: watched.troubles.append(f"dialog: {dialog.message}"))
    watched.page.on(
        "request",
        lambda request: (
            None if request.url.startswith(("file:", "data:")) else watched.troubles.append(f"request: {request.url}")
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
    return sorted(path for path in site.rglob("index.html") if "T-004" not in str(path))


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
                assert (path.parent / href).resolve().is_file(), f"{path} -> {href}"


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
    pages = [
        site / "index.html",
        site / "t/T-001-topic-1/index.html",
        site / "t/T-003-topic-3/index.html",
        site / "t/T-005-topic-5/index.html",
        build(empty, empty.open_database()) / "index.html",
    ]
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
