"""Scores the topic engine and BERTopic in one run: V-measure, pairwise F1, topics found, unplaced, moved between weeks.

    python bench/topics.py FOLDER [--weeks 10] [--seeds 3] [--alone]

FOLDER holds *.jsonl files of {"text", "label"} lines (each text is one insight of its own company), or it is a labelled
mailbox with a truth.jsonl: then the true insights and the colleague's own text go in, without any extraction. Ours runs
as a stream; BERTopic gets the same English vectors and is refitted on everything each week, its last fit with several
seeds (the median is shown). --alone: without BERTopic, which needs `uv sync --group bench`.
"""

import argparse
import collections
import pathlib
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlite_utils
from topic_cases import Case, read_mailbox, read_set, split_weeks
from topic_scores import Placement, Row, Score, agreement, describe, judge, lay_out_table, mean, middle
from topics_bertopic import fit, is_installed, refit_weekly

from harvester.database import open_database, transaction
from nlp.decision_store import carry_out
from nlp.decisions import keep_apart, merge_topics
from nlp.embedding import Encoders, load_encoders
from nlp.growth import grow_topics
from nlp.store import all_topics, load_insights
from nlp.suggestion_store import load_suggestions

SUGGESTIONS = 10
FIRST = datetime(2026, 8, 3, 9, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    if not args.alone and not is_installed():
        sys.exit("BERTopic is not installed: run `uv sync --group bench`, or give --alone to score only our topics.")
    encoders = load_encoders()
    in_order = (args.folder / "truth.jsonl").exists()
    sets = {args.folder.name: read_mailbox(args.folder, encoders)} if in_order else read_sets(args.folder)
    if not sets:
        sys.exit(
            f"{args.folder} holds no labelled texts: give a folder with *.jsonl of two labels or more, or a mailbox."
        )
    if in_order:
        score_ours(f"{args.folder.name}, all at once", sets[args.folder.name], encoders, 1, in_order=True)
    rows, ours = [], []
    for name, cases in sets.items():
        own = score_ours(name, cases, encoders, args.weeks, in_order=in_order, verbose=args.verbose)
        ours.append(own)
        if not args.alone:
            theirs = score_theirs(cases, encoders, args.weeks, args.seeds, in_order=in_order)
            rows.append(Row(name, len(cases), len({case.label for case in cases}), own, theirs))
    if args.alone:
        print(f"mean of {len(ours)}: V-measure {mean(ours).v_measure:.3f}, pairwise F1 {mean(ours).f1:.3f}")
        return
    print(f"\nevery text goes in as an insight; {args.weeks} weeks; BERTopic refitted on all, median of {args.seeds}")
    print("\n".join(lay_out_table(rows, "BERT.")))


def read_sets(folder: pathlib.Path) -> dict[str, list[Case]]:
    """The labelled sets of a folder, or one file; a set of one label has nothing to find."""
    paths = sorted(folder.glob("*.jsonl")) if folder.is_dir() else [folder]
    sets = {path.stem: read_set(path) for path in paths}
    return {name: cases for name, cases in sets.items() if len({case.label for case in cases}) > 1}


def score_ours(
    name: str, cases: Sequence[Case], encoders: Encoders, weeks: int, *, in_order: bool = False, verbose: bool = False
) -> Score:
    placements: list[Placement] = []
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(pathlib.Path(folder) / "answers.db")
        started = time.perf_counter()
        for week, rows in enumerate(split_weeks(len(cases), weeks, in_order=in_order)):
            insert(database, [(row, cases[row]) for row in rows], FIRST + timedelta(weeks=week))
            grow_topics(database, encoders, FIRST + timedelta(weeks=week))
            placements.append(read_placement(database))
        seconds = time.perf_counter() - started
        advised = follow_suggestions(database, [case.label for case in cases])
        database.conn.close()
    truth = [case.label for case in cases]
    score = judge(truth, placements)
    print(
        f"{name}: {describe(score, len(set(truth)))}, {len(cases) / seconds:.0f}/s, "
        f"not English {sum(c.language != 'en' for c in cases)}",
        flush=True,
    )
    if advised is not None:
        better = agreement(truth, [advised[row] for row in range(len(cases))])
        print(f"  with {SUGGESTIONS} suggestions answered by the truth: pairwise F1 {better[1]:.3f}", flush=True)
    if verbose:
        print_topics(cases, placements[-1])
    return score


def score_theirs(cases: Sequence[Case], encoders: Encoders, weeks: int, seeds: int, *, in_order: bool) -> Score:
    """Grouping: the median over the seeds, fitted on everything. Moved: by the weekly refits with the first seed."""
    texts, truth = [case.text for case in cases], [case.label for case in cases]
    vectors = encoders.english.embed(texts)
    arrivals = split_weeks(len(cases), weeks, in_order=in_order)
    started = time.perf_counter()
    weekly = judge(truth, refit_weekly(texts, vectors, arrivals, 0))
    rows = [row for week in arrivals for row in week]
    others = [judge(truth, [fit(rows, texts, vectors, seed)]) for seed in range(1, seeds)]
    score = replace(middle([weekly, *others]), moved=weekly.moved, worst=weekly.worst)
    print(f"  BERTopic: {describe(score, len(set(truth)))}, {time.perf_counter() - started:.0f} s", flush=True)
    return score


def read_placement(database: sqlite_utils.Database) -> Placement:
    return {insight.id - 1: insight.topic for insight in load_insights(database)}


def print_topics(cases: Sequence[Case], placement: Placement) -> None:
    for topic in sorted({t for t in placement.values() if t}):
        print(f"  T-{topic:03d}")
        for row, case in enumerate(cases):
            if placement[row] == topic:
                print(f"      {case.label:20s} {case.text[:110]}")


def follow_suggestions(database: sqlite_utils.Database, labels: Sequence[str]) -> Placement | None:
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
    return read_placement(database)


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


if __name__ == "__main__":
    main()
