"""Scores which passage of a colleague's text is said to answer each insight, against labels made by hand.

    python bench/pairing.py MAILBOX LABELS.jsonl [--only-scored] [--verbose]

MAILBOX holds mails/, truth.jsonl and config.json. A line of LABELS names the mail, the insight, how the passages begin
that answer it, and whether "not answered" is right. `scored_only` lines are not looked at while rules are written.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.insights import alike, read_mail_of, read_truth, squash, token_f1
from harvester.records import Part
from nlp.answering import pairing_by
from nlp.embedding import load_encoders
from nlp.extraction import extract_from_many
from nlp.harvest import pair_many
from nlp.records import Insight
from nlp.sentence_model import load_sentence_model

Mail = tuple[tuple[Part, ...], str, bool]


def main() -> None:
    """Scores both halves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mailbox", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--only-scored", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="show what is wrong in the half that may be looked at")
    args = parser.parse_args()
    labels = [json.loads(line) for line in args.labels.read_text(encoding="utf-8").splitlines() if line]
    encoders = load_encoders()
    model = load_sentence_model(encoders.multilingual)
    mails = {row["file"]: read_mail_of(args.mailbox, row) for row in read_truth(args.mailbox)}
    extracted = extract_from_many(list(mails.values()), model)
    paired = pair_many(extracted, [parts for parts, _, _ in mails.values()], pairing_by(encoders))
    found = dict(zip(mails, paired, strict=True))
    for is_scored in (True,) if args.only_scored else (False, True):
        rows = [row for row in labels if row["scored_only"] is is_scored]
        result = score(rows, found, verbose=args.verbose and not is_scored)
        print(f"{'scored only' if is_scored else 'looked at'}: {result}")


def score(labels: list[dict[str, Any]], found: dict[str, tuple[Insight, ...]], *, verbose: bool = False) -> str:
    """Of the labelled insights that were taken, the share with the right answer."""
    n_right = n_found = 0
    for row in labels:
        insight = max(
            (one for one in found[row["file"]] if not one.inferred and alike(row["insight"], one.text)),
            key=lambda one: token_f1(row["insight"], one.text),
            default=None,
        )
        if insight is None:
            continue
        n_found += 1
        right = is_right(row, insight.answer)
        n_right += right
        if verbose and not right:
            print(f"  {row['file']} ({insight.kind}) {row['insight'][:90]}")
            print(f"    {row['answers']} not {insight.answer!r:.110}")
    return f"{n_right} of {n_found} right ({100 * n_right / max(1, n_found):.1f} %), {len(labels)} labelled"


def is_right(row: dict[str, Any], answer: str | None) -> bool:
    """Any of the passages that were labelled, whole or in part; None where nothing answers."""
    if answer is None:
        return bool(row["unanswered"])
    got = squash(answer)
    return any(squash(wanted) in got or got in squash(wanted) for wanted in row["answers"])


if __name__ == "__main__":
    main()
