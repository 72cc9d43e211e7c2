"""Takes the README's pictures: runs the demo in a temporary folder and photographs what it wrote with chromium."""

import os
import re
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from digest.demo import build_demo

HERE = Path(__file__).resolve().parent
MOST_BYTES = 300_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SIDE_BY_SIDE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 28px; background: #dfe3e8; display: flex; gap: 28px; width: 1244px; }}
img {{ display: block; border-radius: 8px; box-shadow: 0 2px 14px #0003; object-fit: cover; object-position: top;
  height: 760px; }}
</style><img src="{digest}" width="460" alt=""><img src="{topic}" width="756" alt="">"""


def main() -> None:
    """Photograph the digest, the index, the busiest topic that has answers, and digest and topic side by side."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        sys.exit("the pictures need a browser; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        demo = build_demo(folder / "demo")
        assert demo.outcome.folder is not None, "the demo wrote no digest"
        pages = folder / "demo" / "site"
        topic = choose_topic(pages)
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS, env=dict(os.environ))
        take(browser, demo.outcome.folder / "digest.html", HERE / "digest.png", width=640, height=1500)
        take(browser, pages / "index.html", HERE / "index.png", width=1100, height=1000)
        take(browser, topic, HERE / "topic.png", width=1100, height=1350)
        parts = {"digest": (HERE / "digest.png").as_uri(), "topic": (HERE / "topic.png").as_uri()}
        (folder / "overview.html").write_text(SIDE_BY_SIDE.format(**parts), encoding="utf-8")
        take(browser, folder / "overview.html", HERE / "overview.png", width=1300, height=816)
        browser.close()


def choose_topic(pages: Path) -> Path:
    """The best ranked topic whose page has questions and answers to show."""
    links = re.findall(r'class="name"><a href="([^"]+)"', (pages / "index.html").read_text(encoding="utf-8"))
    files = [pages / link for link in links]
    full = (
        path for path in files if all(f'id="{part}"' in path.read_text() for part in ("questions", "facts", "experts"))
    )
    return next(full, files[0])


def take(browser: Browser, page_file: Path, picture: Path, *, width: int, height: int) -> None:
    """At most `height` pixels from the top of the page."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="light")
    page.goto(page_file.as_uri())
    page.wait_for_load_state("load")
    shown = min(height, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": shown})
    page.screenshot(path=picture)
    page.close()
    shrink(picture)
    size = picture.stat().st_size
    sys.stdout.write(f"{picture}: {size // 1000} kB\n")
    if size > MOST_BYTES:
        sys.exit(f"{picture.name} has {size} bytes, more than {MOST_BYTES}; show less of the page")


def shrink(picture: Path) -> None:
    """Pack the same pixels harder than the browser does: one IDAT chunk (PNG specification, 10) at the best level."""
    data = picture.read_bytes()
    head, body, end = data[:33], b"", data[-12:]
    place = 33
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] == b"IDAT":
            body += data[place + 8 : place + 8 + length]
        place += 12 + length
    packed = zlib.compress(zlib.decompress(body), 9)
    chunk = b"IDAT" + packed
    smaller = head + len(packed).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + end
    if len(smaller) < len(data):
        picture.write_bytes(smaller)


if __name__ == "__main__":
    main()
