"""Search, filters, order and keyboard of the pages, in a real browser, opened from disk."""

from pathlib import Path

import pytest
from browsing import Watched, search, watch
from playwright.sync_api import Browser
from site_material import build, make_small_site


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
def test_search_finds_topics_and_single_insights(watched: Watched, small_site: Path, words: str, expected: str):
    assert any(expected in hit for hit in search(watched.open(small_site / "index.html"), words))


def test_topics_come_before_single_insights_and_lead_to_their_page(watched: Watched, small_site: Path):
    page = watched.open(small_site / "index.html")
    assert search(page, "offline cellar")[0] == "Does it work offline in the cellar?"
    page.locator(".results a").first.click()
    page.wait_for_url("**/t/T-*/index.html")
    assert page.locator("h1").inner_text() == "Does it work offline in the cellar?"


def test_found_words_are_marked_with_and_without_accents(watched: Watched, small_site: Path):
    page = watched.open(small_site / "index.html")
    search(page, "gerat")
    assert page.locator(".results mark").first.inner_text() == "Gerät"


def test_search_says_how_many_it_found(watched: Watched, small_site: Path):
    page = watched.open(small_site / "index.html")
    assert search(page, "xylophone") == []
    assert page.locator("[data-found]").inner_text().startswith("Nothing found")
    search(page, "zeppelin")
    assert page.locator("[data-found]").inner_text() == "1 hit"


@pytest.mark.parametrize(
    "words", ["<img src=x onerror=window.hit=1>", "__proto__", "\\", "((((", "*", '"', "a" * 5_000]
)
def test_any_search_is_safe(watched: Watched, small_site: Path, words: str):
    search(watched.open(small_site / "index.html"), words)


def test_nothing_of_the_search_is_loaded_before_somebody_searches(watched: Watched, small_site: Path):
    loaded: list[str] = []
    watched.page.on("request", lambda request: loaded.append(request.url.rsplit("/", 1)[-1]))
    page = watched.open(small_site / "index.html")
    assert {name for name in loaded if "." in name} == {"index.html", "site.css", "page.js", "search.js"}
    search(page, "offline")
    assert {"minisearch.js", "search-data.js", "search-1.js"} <= set(loaded)


def test_arrows_walk_through_what_was_found(watched: Watched, small_site: Path):
    page = watched.open(small_site / "index.html")
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


def test_slash_leads_to_the_search_from_any_page(watched: Watched, small_site: Path):
    page = watched.open(small_site / "t/T-002-topic-2/index.html")
    page.keyboard.press("/")
    page.wait_for_url("**/index.html#search")
    page.locator("[data-search]:focus").wait_for()


def test_what_a_company_asked_is_found_under_its_name(watched: Watched, small_site: Path):
    page = watched.open(small_site / "index.html")
    assert "Do you sell spare parts for the zeppelin?" in search(page, "solo.example")
    page.locator(".results small a").first.click()
    page.wait_for_url("**/c/solo.example.html")
    assert page.locator(".voice").count() == 2


def test_the_address_keeps_search_filter_and_order(watched: Watched, small_site: Path):
    page = watched.open(small_site / "index.html")
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
def test_every_order_keeps_every_topic(watched: Watched, small_site: Path, by: str):
    page = watched.open(small_site / "index.html")
    before = set(page.locator("[data-ranked] .name a").all_inner_texts())
    page.locator("[data-sort]").select_option(by)
    assert set(page.locator("[data-ranked] .name a").all_inner_texts()) == before
    if by == "ever":
        counts = page.locator("[data-ever]").evaluate_all("cells => cells.map((one) => Number(one.dataset.ever))")
        assert counts == sorted(counts, reverse=True)


def test_a_field_of_the_matrix_leads_to_its_topics(watched: Watched, small_site: Path):
    page = watched.open(small_site / "coverage.html")
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


def test_slash_focuses_and_escape_brings_everything_back(watched: Watched, small_site: Path):
    page = watched.open(small_site / "index.html")
    page.keyboard.press("/")
    page.keyboard.type("zeppelin/")
    assert page.locator("[data-search]").input_value() == "zeppelin/"
    assert not page.locator("[data-ranked]").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("[data-ranked]").is_visible()
    assert not page.locator("[data-results]").is_visible()


def test_filters_leave_the_matching_topics(watched: Watched, small_site: Path):
    page = watched.open(small_site / "index.html")
    rows = page.locator("[data-ranked] tbody tr:visible")
    everything = rows.count()
    page.locator("[data-filter=trend]").select_option("new")
    assert 0 < rows.count() < everything
    assert all("new" in row.inner_text() for row in rows.all())
    assert page.locator("[data-found]").inner_text().endswith("topics")
    page.locator("[data-filter=trend]").select_option("")
    assert rows.count() == everything


def test_tab_goes_from_the_skip_link_through_search_to_the_first_topic(watched: Watched, small_site: Path):
    page = watched.open(small_site / "index.html")
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
