"""A reader of the pages sees all of the old site or all of the new, also while it is published and after a kill."""

import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mailroom
from digest_workspace import ask, make_workspace
from promises import Promise

from digest.site import build_site
from harvester.workspace import Workspace

NAME = "pages all old or all new"
FILES = 30
SIZE = 20_000
WRITER = f"""
import sys
from pathlib import Path
from digest.publishing import publish
number = int(sys.argv[2])
while True:
    number += 1
    publish(Path(sys.argv[1]), [(f"t/{{page}}/index.html", b"%09d" % number * {SIZE // 9}) for page in range({FILES})])
    print(number, flush=True)
"""


def read_site(folder: Path) -> dict[str, bytes] | None:
    """Every file of what is published now; None when it was swapped meanwhile."""
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    pages = {}
    try:
        for path, _, names, inside in os.fwalk(".", dir_fd=root):
            for name in names:
                with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=inside), "rb") as file:
                    pages[f"{path}/{name}"] = file.read()
    except FileNotFoundError:
        assert folder.stat().st_ino != os.fstat(root).st_ino, "a page of the published site is missing"
        return None
    else:
        return pages if folder.stat().st_ino == os.fstat(root).st_ino else None
    finally:
        os.close(root)


class Reader(threading.Thread):
    """Reads whole sites and single pages until stopped; remembers what was wrong."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder = folder
        self.stopping = threading.Event()
        self.sites = self.pages = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        chance = random.Random(1)
        while not self.stopping.is_set():
            try:
                page = (self.folder / f"t/{chance.randrange(FILES)}/index.html").read_bytes()
                self._check("torn page", [page])
                self.pages += 1
                site = read_site(self.folder)
            except (OSError, AssertionError) as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
                continue
            if site is not None:
                pages = [content for path, content in site.items() if path.endswith("index.html")]
                self._check("mixed site", pages)
                if len(pages) != FILES:
                    self.wrong.append(f"{len(pages)} pages")
                self.sites += 1

    def _check(self, name: str, pages: list[bytes]) -> None:
        versions = {content[:9] for content in pages}
        if len(versions) != 1 or any(content != content[:9] * (SIZE // 9) for content in pages):
            self.wrong.append(f"{name}: {sorted(versions)}")


def test_readers_never_see_a_torn_page_or_a_mixed_site(tmp_path: Path, full: bool, promise: Promise):
    folder = tmp_path / "site"
    chance = random.Random(9)
    kills = 30 if full else 4
    last = 0
    readers = [Reader(folder) for _ in range(2)]
    for kill in range(kills):
        command = [sys.executable, "-c", WRITER, str(folder), str(last)]
        writer = subprocess.Popen(command, cwd=mailroom.ROOT, stdout=subprocess.PIPE)
        assert writer.stdout is not None
        last = int(writer.stdout.readline())
        if kill == 0:
            for reader in readers:
                reader.start()
        time.sleep(chance.uniform(0.2, 1.0))
        writer.kill()
        last = max([last, *map(int, writer.stdout.read().split())]) + 1
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
        site = read_site(folder)
        assert site is not None
    for reader in readers:
        reader.stopping.set()
        reader.join()
    assert [reader.wrong[:3] for reader in readers] == [[], []]
    sites, pages = (sum(getattr(reader, kind) for reader in readers) for kind in ("sites", "pages"))
    assert sites > 10 * kills / 4
    promise(
        NAME,
        f"two readers while sites of {FILES} pages are published without a pause, SIGKILL of the publisher",
        f"{last:,} sites published, {kills} kills, {sites:,} whole sites and {pages:,} pages read",
        "0 torn pages, 0 mixed sites",
    )


def fingerprint(folder: Path) -> dict[str, str]:
    """Path -> hash of each file without the moment of the build, which is the same on all pages of a site."""
    site = read_site(folder)
    assert site is not None
    assert len({moment for content in site.values() for moment in re.findall(rb'data-built="([^"]*)"', content)}) == 1
    timeless = {path: re.sub(rb'data-built="[^"]*"|\d\d:\d\d', b"", content) for path, content in site.items()}
    return {path: hashlib.sha256(content).hexdigest() for path, content in timeless.items()}


def fill(folder: Path) -> Workspace:
    workspace = make_workspace(folder, 25)
    workspace.config_path.chmod(0o600)
    database = workspace.open_database()
    for number in range(6):
        ask(database, f"Does it fit number {number}?", company=f"c{number}.example", topic=1 + number % 3,
            at=datetime.now(UTC) - timedelta(days=1))  # fmt: skip
    database.conn.close()
    return workspace


def test_the_command_killed_at_any_side_effect_leaves_the_old_site_or_the_new(
    tmp_path: Path, full: bool, promise: Promise
):
    workspace = fill(tmp_path / "work")
    log = tmp_path / "all.log"
    assert mailroom.answers(workspace.folder, "site").returncode == 0
    assert mailroom.answers(workspace.folder, "site", crash=(log, 0)).returncode == 0
    steps = log.read_text().splitlines()
    first = next(number for number, line in enumerate(steps, start=1) if "mkdir" in line or "site.lock" in line)
    points = (*range(first, len(steps) - 6, 5 if full else 40), *range(len(steps) - 6, len(steps), 1 if full else 4))
    for number, point in enumerate(points):
        old = fingerprint(workspace.site_folder)
        database = workspace.open_database()
        ask(database, f"Something new {number}?", company=f"n{number}.example", topic=1)
        database.conn.close()
        killed = mailroom.answers(workspace.folder, "site", crash=(log, point)).returncode == -signal.SIGKILL
        after_kill = fingerprint(workspace.site_folder)
        database = workspace.open_database()
        build_site(workspace, database, workspace.now())
        database.conn.close()
        new = fingerprint(workspace.site_folder)
        assert killed, point
        assert after_kill in (old, new), point
        assert old != new
        beside = {path.name for path in workspace.folder.iterdir()} & {".site.new", ".site.old"}
        assert not beside
    promise(
        NAME,
        "`answers site` killed with SIGKILL before each of its writes",
        f"{len(points)} of {len(steps) - first + 1} points",
        "the old site or the new one, whole; the next build leaves nothing over",
    )
