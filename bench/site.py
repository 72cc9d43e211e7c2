"""Time and memory of building the pages: 1,000 topics, 100,000 invented insights, a real database and real files.

python bench/site.py [--topics N] [--insights N] [--profile]
"""

import argparse
import cProfile
import pstats
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from digest.site import build_site
from harvester.database import transaction
from harvester.workspace import find_workspace
from nlp.vector_store import save_blob

NOW = datetime(2026, 11, 16, 7, 30, tzinfo=UTC)
MODEL = "bench"
DIMENSIONS = 384
COMPANIES = 3_000
LOOK_EVERY_SECONDS = 0.2
WORDS = (
    "does the tablet work offline in cellar price per seat discount school data deleted contract month year invoice"
    " import export spreadsheet interface warehouse order spare part technician round inspection report signature"
    " photo alarm machine shift rota holiday server hosting backup audit insurer certificate training support phone"
)
FIRST = "Ada Ben Cleo Dov Elif Finn Greta Hugo Ines Jonas Kaja Leo Mara Nils Olga Per Rosa Sven Tove Ugo Vera Wim"
FIRST_VIEW = ("index.html", "assets/site.css", "assets/page.js", "assets/search.js")
COLUMNS = {  # of the tables of which only some are filled
    "topics": "(id, name, named_by, slug, status, status_detail, category, stage, born_at, merged_into, dismissed)",
    "readings": "(message, colleague, company, version, status)",
    "insights": "(id, message, part, kind, text, context, fingerprint, thread, company, person, asked_at, language,"
    " category, stage, confidence, rule, inferred, answer)",
}
KINDS = ("question", "question", "question", "pain", "need")


def main() -> None:
    """Fill in this process, build in a fresh one, so that its memory is that of the build alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topics", type=int, default=1_000)
    parser.add_argument("--insights", type=int, default=100_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        measure(options.build, profile=options.profile)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "answers.toml").write_text('[company]\nname = "Acme"\ndomains = ["acme.example"]\n')
        fill(find_workspace(folder / "answers.toml").open_database(), options.topics, options.insights)
        command = [sys.executable, __file__, "--build", str(folder)]
        watch([*command, *(["--profile"] if options.profile else [])])
        for _ in range(2):  # nothing changed in between: what every later build costs
            watch(command)


def watch(command: list[str]) -> None:
    """Run it and print the most memory that it and its second process had together, what they share counted once."""
    most = 0
    with subprocess.Popen(command) as build:
        while build.poll() is None:
            children = read_text(f"/proc/{build.pid}/task/{build.pid}/children").split()
            most = max(most, sum(map(proportional_kilobytes, (str(build.pid), *children))))
            time.sleep(LOOK_EVERY_SECONDS)
    if build.returncode:
        raise SystemExit(build.returncode)
    print(f"both processes together at most {most / 1024:.0f} MB (PSS)")


def proportional_kilobytes(process: str) -> int:
    """The memory of a process, each page divided by the processes that share it; 0 when it is gone."""
    lines = read_text(f"/proc/{process}/smaps_rollup").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def read_text(path: str) -> str:
    """ "" when there is no such file any more."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def measure(folder: Path, *, profile: bool) -> None:
    """Build once and print what it took."""
    workspace = find_workspace(folder / "answers.toml")
    database = workspace.open_database()
    profiler = cProfile.Profile()
    began, cpu = time.perf_counter(), time.process_time()
    if profile:
        profiler.enable()
    pages = build_site(workspace, database, NOW)
    if profile:
        profiler.disable()
        pstats.Stats(profiler).sort_stats("cumulative").print_stats("main/(digest|nlp|templates)", 30)
    helper = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.perf_counter() - began
    cpu_seconds = time.process_time() - cpu + helper.ru_utime + helper.ru_stime
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = sum(path.stat().st_size for path in workspace.site_folder.rglob("*") if path.is_file()) / 1e6
    index = (workspace.site_folder / "index.html").stat().st_size / 1e3
    first_view = sum((workspace.site_folder / name).stat().st_size for name in FIRST_VIEW) / 1e3
    search = sum(path.stat().st_size for path in workspace.site_folder.glob("assets/search-*.js")) / 1e6
    print(
        f"{pages} topic pages in {seconds:.1f} s ({cpu_seconds:.1f} s of CPU), at most {peak:.0f} MB of memory"
        f" and {helper.ru_maxrss / 1024:.0f} MB in the second process, most of it shared;"
        f" {size:.0f} MB of files, index {index:.0f} kB, first view {first_view:.0f} kB, search data {search:.1f} MB"
    )


def fill(database: Database, topics: int, insights: int) -> None:
    """Topics of skewed size; every insight from a mail of its own, half of them answered."""
    chance = random.Random(7)
    generator = np.random.default_rng(7)
    words, names = WORDS.split(), FIRST.split()
    sentences = [" ".join(chance.choices(words, k=chance.randint(8, 22))).capitalize() for _ in range(4_000)]
    rows: dict[str, list[tuple[object, ...]]] = {}

    def add(table: str, *values: object) -> None:
        rows.setdefault(table, []).append(values)

    for number in range(1, topics + 1):
        name = f"{sentences[number]}?"[:90]
        add("topics", number, name, "machine", f"topic-{number}", "open", None, "fit", "decision", at(200), None, 0)
    # Insights of a topic are alike, some more than others: around its centre there are a few smaller ones.
    centres = generator.standard_normal((topics + 1, DIMENSIONS), dtype=np.float32)
    inner = generator.standard_normal((12, DIMENSIONS), dtype=np.float32)
    shares = chance.choices(range(1, topics + 1), weights=[1 / (n + 10) for n in range(topics)], k=insights)
    for number, topic in enumerate(shares, start=1):
        company = f"company{chance.randrange(COMPANIES)}.example"
        asked = at(chance.uniform(0, 900))
        text = f"{chance.choice(sentences)} {number % 997}?"
        answer = f"{chance.choice(sentences)}. It takes {number % 40} days. {chance.choice(sentences)}."
        colleague = f"{chance.choice(names).lower()}@acme.example"
        person = f"{chance.choice(names)} Surname{chr(97 + number % 26)}{chr(97 + number % 23)}{chr(97 + number % 19)}"
        add("messages", number, f"hash-{number}", None, 0, asked, asked)
        add("people", number, "from", colleague, colleague.split("@")[0].title(), 1)
        add("people", number, "to", f"p{number}@{company}", person, 0)
        add("links", number, f"https://acme.example/page{topic % 50}", "")
        add("insights", number, number, 1, KINDS[number % 5], text, chance.choice(sentences) if number % 3 == 0 else "",
            str(number), str(number), company, None, asked, "en", "fit", "decision", 1.0, "bench", 0,
            answer if number % 2 else None)  # fmt: skip
        add("assignments", number, topic, 0.7, "machine", asked)
        noise = generator.standard_normal(DIMENSIONS, dtype=np.float32)
        vector = centres[topic] + 0.5 * inner[number % 12] + 0.5 * noise
        add("vectors", number, MODEL, (vector / np.linalg.norm(vector)).astype("<f4").tobytes())
        add("readings", number, colleague, company, "1", "accepted")
    with transaction(database) as connection:
        save_blob(connection, "model", MODEL.encode())
        for table, values in rows.items():
            columns = COLUMNS.get(table, "")
            marks = ", ".join("?" * len(values[0]))
            connection.executemany(f"insert into {table} {columns} values ({marks})", values)


def at(days_ago: float) -> str:
    """A moment as the database keeps it."""
    return (NOW - timedelta(days=days_ago)).isoformat(timespec="seconds")


if __name__ == "__main__":
    main()
