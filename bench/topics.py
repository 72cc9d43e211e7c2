"""Scores the topic engine alone: V-measure, pairwise F1, topics found, unplaced, and what moved between weeks.

    python bench/topics.py FOLDER [--weeks 10]

FOLDER holds *.jsonl files of {"text", "label"} lines (each text is one insight of its own company), or it is a labelled
mailbox with a truth.jsonl: then the true insights and the colleague's own text go in, without any extraction.
"""

import argparse
import collections
import json
import math
import pathlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlite_utils

from harvester.database import open_database, transaction
from harvester.records import Part, Role
from nlp.answering import pairing_by
from nlp.decision_store import carry_out
from nlp.decisions import keep_apart, merge_topics
from nlp.embedding import Encoders, load_encoders
from nlp.growth import grow_topics
from nlp.language import detect_language
from nlp.pairing import pair_answers
from nlp.records import Insight, Kind
from nlp.store import all_topics, load_insights
from nlp.suggestion_store import load_suggestions

SUGGESTIONS = 10
FIRST = datetime(2026, 8, 3, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    text: str
    label: str
    company: str
    mail: str
    language: str
    answer: str | None = None
    kind: str = "question"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    encoders = load_encoders()
    if (args.folder / "truth.jsonl").exists():
        cases = read_mailbox(args.folder, encoders)
        for weeks in (1, args.weeks):
            score(f"{args.folder.name}, {weeks} weeks", cases, encoders, weeks, in_order=True, verbose=args.verbose)
        return
    sets = sorted(args.folder.glob("*.jsonl")) if args.folder.is_dir() else [args.folder]
    labelled = [
        (name, cases)
        for name, cases in ((path.stem, read_set(path)) for path in sets)
        if len({case.label for case in cases}) > 1
    ]
    scores = [score(name, cases, encoders, args.weeks, verbose=args.verbose) for name, cases in labelled]
    means = [sum(column) / len(scores) for column in zip(*scores, strict=True)]
    print(f"mean of {len(scores)}: V-measure {means[0]:.3f}, pairwise F1 {means[1]:.3f}")


def read_set(path: pathlib.Path) -> list[Case]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Case(row["text"], row["label"], f"c{i}", f"m{i}", detect_language(row["text"])) for i, row in enumerate(rows)
    ]


def read_mailbox(folder: pathlib.Path, encoders: Encoders) -> list[Case]:
    mails = [
        json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    cases = []
    for mail in sorted((m for m in mails if m["status"] == "accepted"), key=lambda m: str(m["sent_at"])):
        wanted = [i for i in mail["insights"] if i["new"] and not i["inferred"]]
        cases.extend(pair_truth(mail, wanted, encoders))
    return cases


def pair_truth(mail: dict[str, Any], wanted: Sequence[dict[str, Any]], encoders: Encoders) -> Iterator[Case]:
    quote = "\n".join(i["text"] for i in wanted)
    parts = (
        Part(Role.OWN, mail["own_text"], author_kind="us"),
        Part(Role.QUOTED, quote, depth=1, author_kind="prospect"),
    )
    insights = [Insight(Kind(i["kind"]), i["text"], 1, 1.0, "", "", "", "") for i in wanted]
    answers = pair_answers(insights, parts, pairing_by(encoders))
    for truth, answer in zip(wanted, answers, strict=True):
        language = detect_language(truth["text"], mail.get("lang") or "en")
        yield Case(truth["text"], truth["topic"], mail["company"], mail["file"], language, answer, truth["kind"])


def score(
    name: str, cases: Sequence[Case], encoders: Encoders, weeks: int, *, in_order: bool = False, verbose: bool = False
) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(pathlib.Path(folder) / "answers.db")
        started, previous, moved = time.perf_counter(), {}, 0
        for week in range(weeks):
            size = math.ceil(len(cases) / weeks)
            rows = (
                range(week * size, min(len(cases), (week + 1) * size)) if in_order else range(week, len(cases), weeks)
            )
            insert(database, [(row, cases[row]) for row in rows], FIRST + timedelta(weeks=week))
            grow_topics(database, encoders, FIRST + timedelta(weeks=week))
            now = {insight.id - 1: insight.topic for insight in load_insights(database)}
            moved += sum(topic is not None and now[row] != topic for row, topic in previous.items())
            previous = now
        seconds = time.perf_counter() - started
        advised = follow_suggestions(database, [case.label for case in cases])
        database.conn.close()
    truth = [case.label for case in cases]
    found = [f"T-{topic}" if (topic := previous[row]) else f"alone-{row}" for row in range(len(cases))]
    v_measure, pairwise, precision, recall = agreement(truth, found)
    unplaced = sum(topic is None for topic in previous.values()) / len(cases)
    topics = len({t for t in previous.values() if t})
    print(
        f"{name}: V-measure {v_measure:.3f}, pairwise F1 {pairwise:.3f} (P {precision:.2f} R {recall:.2f}), "
        f"topics {topics} of {len(set(truth))}, unplaced {100 * unplaced:.1f} %, moved {moved}, "
        f"{len(cases) / seconds:.0f}/s, "
        f"not English {sum(c.language != 'en' for c in cases)}",
        flush=True,
    )
    if advised is not None:
        answered = [f"T-{topic}" if (topic := advised[row]) else f"alone-{row}" for row in range(len(cases))]
        better = agreement(truth, answered)
        print(f"  with {SUGGESTIONS} suggestions answered by the truth: pairwise F1 {better[1]:.3f}", flush=True)
    if verbose:
        for topic in sorted({t for t in previous.values() if t}):
            print(f"  T-{topic:03d}")
            for row, case in enumerate(cases):
                if previous[row] == topic:
                    print(f"      {case.label:20s} {case.text[:110]}")
    return v_measure, pairwise


def follow_suggestions(database: sqlite_utils.Database, labels: Sequence[str]) -> dict[int, int | None] | None:
    """Row -> topic after a person has answered the first suggestions as the truth says; None when there was none."""
    suggestions = [one for one in load_suggestions(database) if one.other is not None][:SUGGESTIONS]
    if not suggestions:
        return None
    for one in suggestions:
        topics = {topic.id: topic for topic in all_topics(database)}
        first, second = topics[one.topic], topics[one.other or 0]
        if first.merged_into or second.merged_into:
            continue
        meanings = [usual_label(database, topic.id, labels) for topic in (first, second)]
        ruling = merge_topics(second, first) if meanings[0] == meanings[1] else keep_apart(first, second)
        carry_out(database, ruling, "truth", FIRST)
    return {insight.id - 1: insight.topic for insight in load_insights(database)}


def usual_label(database: sqlite_utils.Database, topic: int, labels: Sequence[str]) -> str:
    """What most insights of a topic really mean."""
    inside = [labels[insight.id - 1] for insight in load_insights(database) if insight.topic == topic]
    return collections.Counter(inside).most_common(1)[0][0]


def insert(database: sqlite_utils.Database, cases: Sequence[tuple[int, Case]], now: datetime) -> None:
    with transaction(database) as connection:
        for row, case in cases:
            connection.execute(
                "insert or ignore into messages (sha256, size, captured_at) values (?, 0, ?)",
                (case.mail, now.isoformat()),
            )
            message = connection.execute("select id from messages where sha256 = ?", (case.mail,)).fetchone()[0]
            connection.execute(
                "insert into insights (id, message, part, kind, text, fingerprint, thread, company, asked_at, language,"
                " category, stage, confidence, rule, answer) values (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, 'other',"
                " 'consideration', 1, '', ?)",
                (row + 1, message, case.kind, case.text, str(row), case.mail, case.company, now.isoformat(),
                 case.language, case.answer),
            )  # fmt: skip


def agreement(truth: Sequence[str], found: Sequence[str]) -> tuple[float, float, float, float]:
    """V-measure, pairwise F1, precision, recall; unplaced items are groups of one."""
    n = len(truth)
    both = collections.Counter(zip(truth, found, strict=True))
    t, f = collections.Counter(truth), collections.Counter(found)

    def entropy(counts: collections.Counter[str]) -> float:
        return -sum(v / n * math.log(v / n) for v in counts.values())

    def pairs(counts: collections.Counter[Any]) -> float:
        return sum(v * (v - 1) / 2 for v in counts.values())

    mutual = sum(v / n * math.log(v * n / (t[a] * f[b])) for (a, b), v in both.items())
    v_measure = 2 * mutual / (entropy(t) + entropy(f))
    precision, recall = pairs(both) / max(1, pairs(f)), pairs(both) / max(1, pairs(t))
    return v_measure, 2 * pairs(both) / (pairs(t) + pairs(f)), precision, recall


if __name__ == "__main__":
    main()
