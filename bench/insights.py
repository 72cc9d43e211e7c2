"""Scores the extraction of insights in-process: labelled sentences (*.jsonl) and whole mailboxes with known truth.

    python bench/insights.py FOLDER|FILE.jsonl... [--rules] [--verbose]

FOLDER is a mailbox (mails/, truth.jsonl, config.json) or holds *.jsonl of {"text", "label", "type"}.
"""

import argparse
import collections
import json
import re
import sys
import time
import unicodedata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harvester.reading import read_mail
from harvester.records import Part, ReadingSettings, Role, Roster
from harvester.resources import data_folder
from nlp.embedding import load_multilingual_embedder
from nlp.extraction import SentenceModel, extract_from_many
from nlp.records import Insight
from nlp.sentence_model import load_sentence_model, read_model

Mail = tuple[tuple[Part, ...], str, bool]


def main() -> None:
    """Scores every argument."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--rules", action="store_true", help="without the sentence model")
    parser.add_argument("--model", type=Path, help="another model.npz than the shipped one")
    parser.add_argument("--only-scored", action="store_true", help="only mails that the truth keeps from training")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    model = None if args.rules else load_model(args.model)
    for path in args.data:
        if (path / "truth.jsonl").exists():
            score_mailbox(path, model, verbose=args.verbose, only_scored=args.only_scored)
        else:
            for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
                score_sentences(file, model, verbose=args.verbose)


def load_model(file: Path | None) -> SentenceModel | None:
    """The shipped sentence model or that of the file."""
    embedder = load_multilingual_embedder()
    if file and embedder:
        return read_model(file, embedder)
    return load_sentence_model(embedder)


def score_sentences(file: Path, model: SentenceModel | None, *, verbose: bool) -> None:
    """Each line of the file is all that a prospect wrote."""
    cases = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    mails: list[Mail] = [((_quoted(case["text"]),), "", False) for case in cases]
    started = time.process_time()
    found = extract_from_many(mails, model)
    seconds = time.process_time() - started
    hits = [bool(insights) for insights in found]
    wanted = [bool(case["label"]) for case in cases]
    print(f"{file.name}: {precision_recall(hits, wanted)}; {len(cases) / seconds:.0f} mails per CPU second")
    for kind in sorted({case["type"] for case in cases}):
        rows = [row for row, case in enumerate(cases) if case["type"] == kind]
        right = sum(hits[row] == wanted[row] for row in rows)
        print(f"  {kind}: {right} of {len(rows)} right")
    if verbose:
        for case, insights in zip(cases, found, strict=True):
            if bool(insights) != bool(case["label"]):
                rule = f" [{insights[0].kind}: {insights[0].rule}]" if insights else ""
                print(f"  {'missed' if case['label'] else 'false '} {case['text'][:150]}{rule}")


def precision_recall(hits: list[bool], wanted: list[bool]) -> str:
    """Precision, recall and F1 as one phrase."""
    true = sum(hit and want for hit, want in zip(hits, wanted, strict=True))
    precision, recall = true / max(1, sum(hits)), true / max(1, sum(wanted))
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return f"P {precision:.3f} R {recall:.3f} F1 {f1:.3f}"


def score_mailbox(folder: Path, model: SentenceModel | None, *, verbose: bool, only_scored: bool) -> None:
    """Extraction, kinds, categories and stages against truth.jsonl."""
    truth = [row for row in read_truth(folder) if not only_scored or row.get("scored_only")]
    mails = [read_mail_of(folder, row) for row in truth]
    started = time.process_time()
    found = extract_from_many(mails, model)
    seconds = time.process_time() - started
    score = score_against(truth, found, verbose=verbose)
    print(f"{folder.name}: {score} ; {len(mails) / seconds:.0f} mails per CPU second")


def score_against(truth: list[dict[str, Any]], found: list[tuple[Insight, ...]], *, verbose: bool) -> str:
    """The measures of one mailbox, as acceptance counts them."""
    counts: collections.Counter[str] = collections.Counter()
    for row, insights in zip(truth, found, strict=True):
        left = [insight for insight in insights if not insight.inferred]
        counts["inferred"] += sum(insight.inferred for insight in insights)
        for wanted in row["insights"]:
            if wanted["inferred"]:
                counts["wanted inferred"] += 1
                continue
            counts["wanted"] += 1
            hard = find_hard(wanted)
            counts[f"wanted {hard}"] += 1
            match = max(
                (insight for insight in left if alike(wanted["text"], insight.text)),
                key=lambda insight: token_f1(wanted["text"], insight.text),
                default=None,
            )
            if match is None:
                if verbose:
                    print(f"  missed {row['file']} ({wanted['kind']}) {wanted['text'][:120]}")
                continue
            left.remove(match)
            counts["hit"] += 1
            counts[f"hit {hard}"] += 1
            for facet in ("kind", "category", "stage"):
                counts[facet] += getattr(match, facet) == wanted[facet]
        grey = [wanted["text"] for wanted in row["insights"] if not wanted["inferred"]] + list(
            row.get("optional") or []
        )
        for insight in left:
            if not any(alike(text, insight.text) for text in grey):
                counts["false"] += 1
                if verbose:
                    print(f"  false  {row['file']} ({insight.kind}: {insight.rule}) {insight.text[:120]}")
        for text in row["not_insights"]:
            counts["near misses"] += 1
            counts["near misses taken"] += any(alike(text, insight.text) for insight in insights)
    hit = max(1, counts["hit"])
    return (
        f"P {100 * counts['hit'] / max(1, counts['hit'] + counts['false']):.1f}"
        f" R {100 * counts['hit'] / max(1, counts['wanted']):.1f}"
        f" (of {counts['wanted']}); kind {100 * counts['kind'] / hit:.1f} category {100 * counts['category'] / hit:.1f}"
        f" stage {100 * counts['stage'] / hit:.1f};"
        f" near misses taken {counts['near misses taken']} of {counts['near misses']};"
        f" inferred {counts['inferred']} of {counts['wanted inferred']}; recall of"
        + " and".join(f" {hard} {_recall(counts, hard)}" for hard in ("pains", "indirect questions"))
    )


def _recall(counts: collections.Counter[str], hard: str) -> str:
    wanted = counts[f"wanted {hard}"]
    return f"{100 * counts[f'hit {hard}'] / max(1, wanted):.1f} (of {wanted})"


def find_hard(wanted: dict[str, Any]) -> str:
    """What is hard to see about a true insight, "" for nothing."""
    if wanted["kind"] == "pain":
        return "pains"
    return "indirect questions" if wanted["kind"] == "question" and "?" not in wanted["text"] else ""


def alike(truth: str, got: str) -> bool:
    """The extracted text is the true one, give or take a greeting or a neighbouring sentence."""
    t, g = squash(truth), squash(got)
    return bool(g) and (
        (t in g and len(g) <= 3 * len(t) + 40) or (g in t and len(g) >= len(t) / 3) or token_f1(truth, got) >= 0.6
    )


def squash(text: str) -> str:
    """Lower case without white space."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def token_f1(one: str, other: str) -> float:
    """Overlap of the words of two texts."""
    a, b = (collections.Counter(re.findall(r"\w+", text.lower())) for text in (one, other))
    total = sum(a.values()) + sum(b.values())
    return 2 * sum((a & b).values()) / total if total else 1.0


def read_truth(folder: Path) -> list[dict[str, Any]]:
    """The genuine mails of a labelled mailbox."""
    rows = [json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines() if line]
    return [row for row in rows if row["status"] == "accepted" and not row["file"].startswith("t-")]


def read_mail_of(folder: Path, row: dict[str, Any]) -> Mail:
    """The parts of a mail by the splitter. The mails of the sample lie in data/, apart from their truth."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    settings = ReadingSettings(Roster(tuple(config["domains"])), authserv_id=config.get("authserv_id", ""))
    mails = folder / "mails" if (folder / "mails").is_dir() else data_folder() / "sample" / "mails"
    reading = read_mail((mails / row["file"]).read_bytes(), settings)
    return reading.parts, reading.mail.subject, reading.verdict.kind == "heard"


def _quoted(text: str) -> Part:
    return Part(Role.QUOTED, text, author="kim@prospect.example", depth=1, author_kind="prospect")


if __name__ == "__main__":
    main()
