"""A real browser for the tests of pages: started, watched, and asked for broken accessibility rules."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import axe_playwright_python
import pytest
import servers
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

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


@contextmanager
def run_browser() -> Iterator[Browser]:
    """A real Chromium; the test fails or is skipped where there is none."""
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


def search(page: Page, words: str) -> list[str]:
    page.locator("[data-search]").fill(words)
    # The engine and the quotes are loaded when somebody begins to search.
    page.locator("[data-results][aria-busy=false]").wait_for(state="attached")
    return [hit.inner_text().split("\n")[0] for hit in page.locator(".results li").all()]


def every_page(site: Path) -> list[Path]:
    """All but the page of the merged topic, which leads away."""
    pages = sorted(path for path in site.rglob("*.html") if "T-004" not in str(path))
    assert pages
    return pages


def broken_rules(page: Page) -> list[str]:
    """What axe-core finds, as "rule: element"."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]
