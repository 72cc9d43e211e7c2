"""The brief in a real browser: one printed page whatever the mails hold, readable on a phone, for everybody."""

import re
from pathlib import Path

import pytest
from browsing import AXE
from digest_material import MONDAY
from digest_workspace import make_workspace
from playwright.sync_api import Browser, Page
from site_material import make_small_site, tell

from digest.brief import write_brief

PAGES = re.compile(rb"/Type\s*/Page\b(?!s)")


@pytest.fixture(scope="module")
def briefs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """An ordinary one, an empty one, a hostile one, and one of a topic in which everybody writes as much as he can."""
    folder = tmp_path_factory.mktemp("brief")
    small, database = make_small_site(folder / "small")
    written = [(f"{topic}.html", small.config, database, topic) for topic in ("T-001", "T-003", "T-005")]
    huge = make_workspace(folder / "huge", 1)
    talkative = huge.open_database()
    for number in range(60):
        text = f"Question number {number} about WWWWWW: " + "could you please tell us more about that " * 30 + "?"
        tell(talkative, text, topic=1, company=f"c{number}.example", days_ago=number,
             author=f"Anastasia Papadopoulou {number}", kind=("question", "pain", "need")[number % 3],
             link=f"https://acme.example/{number}/" + "long/" * 30,
             answer=f"It is not for firm {number}, as it takes {number} days and weeks. " * 60)  # fmt: skip
    written.append(("huge.html", huge.config, talkative, "T-001"))
    for name, config, source, topic in written:
        (folder / name).write_bytes(write_brief(config, source, topic, MONDAY, "html"))
    return tuple(folder / name for name, *_ in written)


def open_brief(browser: Browser, path: Path, width: int, scheme: str = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(path.as_uri())
    return page


def test_every_brief_prints_on_one_page(browser: Browser, briefs: tuple[Path, ...]):
    for path in briefs:
        page = open_brief(browser, path, 1200)
        assert len(PAGES.findall(page.pdf(prefer_css_page_size=True))) == 1, path.name
        page.close()


def test_nothing_has_to_be_scrolled_sideways_on_a_small_phone(browser: Browser, briefs: tuple[Path, ...]):
    for path in briefs:
        page = open_brief(browser, path, 320)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path.name
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, briefs: tuple[Path, ...], scheme: str):
    for path in briefs:
        for width in (375, 1200):
            page = open_brief(browser, path, width, scheme)
            page.evaluate(AXE)
            found = page.evaluate("axe.run().then(result => result.violations.map(v => v.id + ': ' + v.nodes[0].html))")
            assert found == [], path.name
            page.close()
