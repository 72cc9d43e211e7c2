"""Scores the topic engine and BERTopic in one run: V-measure, pairwise F1, topics found, unplaced, moved between weeks.

    python bench/topics.py FOLDER [--weeks 10] [--seeds 3] [--alone]
    python bench/topics.py FOLDER --chatter FILE [--weeks 10] [--draws 3]

FOLDER holds *.jsonl files of {"text", "label"} lines (each text is one insight of its own company), or it is a labelled
mailbox with a truth.jsonl: then the true insights and the colleague's own text go in, without any extraction. Ours runs
as a stream; BERTopic gets the same English vectors and is refitted on everything each week, its last fit with several
seeds (the median is shown). --alone: without BERTopic, which needs `uv sync --group bench`.

--chatter: as many lines of FILE ({"text"}, nobody asked them) are mixed into each set, in several seeded draws; all go
through the extraction first. Told is how much of what then stands in topics is chatter.
"""

import argparse
import pathlib
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from topic_cases import Case, read_mailbox, read_set, split_weeks
from topic_chatter import extract, read_chatter, tell_mixtures
from topic_scores import Placement, Row, Score, agreement, describe, judge, lay_out_table, mean, middle
from topic_stream import SUGGESTIONS, run_stream
from topics_bertopic import fit, is_installed, refit_weekly

from nlp.embedding import Encoders, load_encoders
from nlp.sentence_model import load_sentence_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--chatter", type=pathlib.Path)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    if not args.alone and not args.chatter and not is_installed():
        sys.exit("BERTopic is not installed: run `uv sync --group bench`, or give --alone to score only our topics.")
    in_order = (args.folder / "truth.jsonl").exists()
    if args.chatter and (in_order or not args.chatter.is_file()):
        sys.exit(f"--chatter {args.chatter}: give a file of texts, to be mixed into lists of labelled texts.")
    encoders = load_encoders()
    sets = {args.folder.name: read_mailbox(args.folder, encoders)} if in_order else read_sets(args.folder)
    if not sets:
        sys.exit(
            f"{args.folder} holds no labelled texts: give a folder with *.jsonl of two labels or more, or a mailbox."
        )
    if args.chatter:
        tell_chatter(sets, args.chatter, encoders, args.weeks, args.draws)
        return
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


def tell_chatter(
    sets: Mapping[str, Sequence[Case]], file: pathlib.Path, encoders: Encoders, weeks: int, draws: int
) -> None:
    model = load_sentence_model(encoders.multilingual)
    chatter = extract(read_chatter(file), model)
    for name, cases in sets.items():
        tell_mixtures(name, extract(cases, model), chatter, encoders, weeks, draws)


def read_sets(folder: pathlib.Path) -> dict[str, list[Case]]:
    """The labelled sets of a folder, or one file; a set of one label has nothing to find."""
    paths = sorted(folder.glob("*.jsonl")) if folder.is_dir() else [folder]
    sets = {path.stem: read_set(path) for path in paths}
    return {name: cases for name, cases in sets.items() if len({case.label for case in cases}) > 1}


def score_ours(
    name: str, cases: Sequence[Case], encoders: Encoders, weeks: int, *, in_order: bool = False, verbose: bool = False
) -> Score:
    stream = run_stream(cases, encoders, weeks, in_order=in_order)
    truth = [case.label for case in cases]
    score = judge(truth, stream.weeks)
    print(
        f"{name}: {describe(score, len(set(truth)))}, {len(cases) / stream.seconds:.0f}/s, "
        f"not English {sum(c.language != 'en' for c in cases)}",
        flush=True,
    )
    if stream.advised is not None:
        better = agreement(truth, [stream.advised[row] for row in range(len(cases))])
        print(f"  with {SUGGESTIONS} suggestions answered by the truth: pairwise F1 {better[1]:.3f}", flush=True)
    if len(stream.weeks) > 1:
        anew = agreement(truth, [stream.regrouped[row] for row in range(len(cases))])
        print(f"  grouped anew at the end: pairwise F1 {anew[1]:.3f}", flush=True)
    if verbose:
        print_topics(cases, stream.weeks[-1])
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


def print_topics(cases: Sequence[Case], placement: Placement) -> None:
    for topic in sorted({t for t in placement.values() if t}):
        print(f"  T-{topic:03d}")
        for row, case in enumerate(cases):
            if placement[row] == topic:
                print(f"      {case.label:20s} {case.text[:110]}")


if __name__ == "__main__":
    main()
