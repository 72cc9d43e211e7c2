"""Fits the model of nlp/sellers.py, which tells offers to a colleague from buyers' mails: data/insights/sellers.npz.

    python bench/train_sellers.py [--out FILE] [--score]

Learns from mails written for it (bench/training/sellers.jsonl), of sellers and of buyers that look like sellers, each
with the colleague's answer, with one that fits anything (bench/training/replies.jsonl) and without; and from what
buyers wrote elsewhere: bench/training/mails.jsonl, the two labelled mailboxes, pairs of single sentences, and what
prospects of the 142 companies in bench/training/topics/ asked and were answered, a few insights at a time. --score
fits nothing: how many mails of bench/scored/sellers.jsonl, never learned from, are told rightly by what ships.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.insights import read_mail_of, read_truth
from harvester.records import Part, Role
from nlp.candidates import find_candidates
from nlp.embedding import Embedder, Vectors, load_multilingual_embedder
from nlp.sellers import (
    MIN_SENTENCES,
    Correspondence,
    SellerModel,
    embed_correspondence,
    load_seller_model,
    read_correspondence,
)

ROOT = Path(__file__).resolve().parent.parent
STRENGTH = 10.0  # inverse of the regularisation
# What was asked at one company, put together, is no mail as it came, but there is much of it.
TOGETHER_WEIGHT, TOGETHER, PROSPECTS = 0.25, 3, 10
SELLERS_SHARE = 0.4  # of all weight: there are fewer of their mails than in life
FOLDS = 5
# Of buyers' mails that the model has not learned from, at most this share may be taken for a seller's.
MOST_LOST = 0.005
MAILBOXES = (ROOT / "bench" / "sample", ROOT / "bench" / "brightfold")


@dataclass(frozen=True, slots=True)
class Letter:
    """group: what must not stand on both sides of a fold."""

    correspondence: Correspondence
    is_seller: bool
    group: str
    weight: float = 1.0


def main() -> None:
    """Fits and writes, or scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "insights" / "sellers.npz")
    parser.add_argument("--score", action="store_true")
    args = parser.parse_args()
    embedder = load_multilingual_embedder()
    if embedder is None:
        sys.exit("the multilingual encoder is not installed")
    if args.score:
        score(load_seller_model(), embedder)
        return
    letters = [one for one in read_letters() if len(one.correspondence.said) >= MIN_SENTENCES]
    model = fit(letters, embedder)
    np.savez_compressed(args.out, **{name: getattr(model, name) for name in ("said", "answered", "bias", "threshold")})
    digest = hashlib.sha256(args.out.read_bytes()).hexdigest()
    args.out.with_suffix(".sha256").write_text(digest + "\n", encoding="ascii")
    print(f"{len(letters)} mails, {sum(one.is_seller for one in letters)} of them of sellers, {digest}")


def fit(letters: Sequence[Letter], embedder: Embedder) -> SellerModel:
    """The threshold comes from mails that each fold has not learned from."""
    said, answered = embed_correspondence([one.correspondence for one in letters], embedder)
    features = np.hstack([said, answered]).astype(np.float64)
    is_seller = np.array([one.is_seller for one in letters])
    weights = np.array([one.weight for one in letters])
    weights[is_seller] *= SELLERS_SHARE / (1 - SELLERS_SHARE) * weights[~is_seller].sum() / is_seller.sum()
    groups = np.array([one.group for one in letters])
    held = np.zeros(len(letters))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for learned, left in folds.split(features, is_seller, groups):
        held[left] = _fit_once(features[learned], is_seller[learned], weights[learned]).predict_proba(features[left])[
            :, 1
        ]
    threshold = choose_threshold(held, is_seller)
    told = float((held[is_seller] >= threshold).mean())
    lost = float((held[~is_seller] >= threshold).mean())
    print(f"threshold {threshold:.2f}: {told:.1%} of sellers' mails told, {lost:.2%} of buyers' mails lost")
    machine = _fit_once(features, is_seller, weights)
    said_weights, answered_weights = np.split(machine.coef_[0].astype(np.float32), 2)
    return SellerModel(said_weights, answered_weights, float(machine.intercept_[0]), threshold)


def choose_threshold(chances: NDArray[np.float64], is_seller: NDArray[np.bool_]) -> float:
    """The lowest hundredth from one half on that loses few enough of the buyers' mails."""
    for hundredths in range(50, 100):
        if (chances[~is_seller] >= hundredths / 100).mean() <= MOST_LOST:
            return hundredths / 100
    return 0.99


def _fit_once(features: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]) -> Any:
    return LogisticRegression(C=STRENGTH, max_iter=5000).fit(features, labels, sample_weight=weights)


def read_letters() -> Iterator[Letter]:
    """Everything that is learned from."""
    training = ROOT / "bench" / "training"
    replies = read_replies(training / "replies.jsonl")
    yield from read_written(training / "sellers.jsonl", replies)
    for row in read_rows(training / "mails.jsonl"):
        if all(one["kind"] == "none" for paragraph in row["paragraphs"] for one in paragraph):
            continue  # who only sends thanks or a date may be anybody
        text = "\n\n".join(" ".join(one["text"] for one in paragraph) for paragraph in row["paragraphs"])
        yield Letter(correspondence_of(text, None), is_seller=False, group=text)
    for folder in MAILBOXES:
        for row in read_truth(folder):
            parts, subject, heard = read_mail_of(folder, row)
            if row["insights"] and not heard and not row.get("scored_only"):
                correspondence = read_correspondence(parts, find_candidates(parts, subject))
                yield Letter(correspondence, is_seller=False, group=f"{folder.name} {row.get('thread') or row['file']}")
    for name in ("insights.jsonl", "alone.jsonl"):
        yield from read_pairs(training / name, replies)
    for file in sorted((training / "topics").glob("*.jsonl")):
        yield from read_company(file)


def read_replies(file: Path) -> Mapping[str, Sequence[str]]:
    """What colleagues answer to anybody, by language."""
    replies: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(file):
        replies[row["language"]].append(row["text"])
    return replies


def read_written(file: Path, replies: Mapping[str, Sequence[str]]) -> Iterator[Letter]:
    """Each with the colleague's answer, where there is one, with one that fits anything, and with none."""
    for number, row in enumerate(read_rows(file)):
        for reply in dict.fromkeys((row.get("reply"), take_turns(replies.get(row["language"], ()), number), None)):
            yield Letter(correspondence_of(row["text"], reply), is_seller=not row["buyer"], group=row["text"])


def take_turns(replies: Sequence[str], number: int) -> str | None:
    """The next one; None where there is none in that language."""
    return replies[number % len(replies)] if replies else None


def read_pairs(file: Path, replies: Mapping[str, Sequence[str]]) -> Iterator[Letter]:
    """Two sentences that buyers might write, as a short mail, and an answer that fits anything or none."""
    rows = [row for row in read_rows(file) if row["kind"] != "none" and not row.get("scored_only")]
    rows.sort(key=lambda row: row["language"])
    for number, (first, second) in enumerate(zip(rows[::2], rows[1::2], strict=False)):
        text = f"{first['text']}\n\n{second['text']}"
        for reply in (take_turns(replies.get(first["language"], ()), number), None):
            yield Letter(correspondence_of(text, reply), is_seller=False, group=text, weight=TOGETHER_WEIGHT)


def read_company(file: Path) -> Iterator[Letter]:
    """What each of its prospects asked, a few insights at a time, with and without the answers."""
    asked: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in read_rows(file):
        asked[row["company"]].append(row)
    for company, rows in list(asked.items())[:PROSPECTS]:
        some = rows[:TOGETHER]
        text = "\n\n".join(row["text"] for row in some)
        answers = "\n\n".join(row["answer"] for row in some if row.get("answer"))
        for reply in dict.fromkeys((answers or None, None)):
            yield Letter(correspondence_of(text, reply), False, f"{file.stem} {company}", TOGETHER_WEIGHT)


def correspondence_of(text: str, reply: str | None) -> Correspondence:
    """A mail as a prospect wrote it, and the colleague's answer above it."""
    own = (Part(Role.OWN, reply, author_kind="us"),) if reply else ()
    parts = (*own, Part(Role.QUOTED, text, depth=1, author_kind="prospect"))
    return read_correspondence(parts, find_candidates(parts, ""))


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def score(model: SellerModel, embedder: Embedder) -> None:
    """By sort of writer, with the colleague's answer and without."""
    told: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row in read_rows(ROOT / "bench" / "scored" / "sellers.jsonl"):
        for way, reply in (("answered", row.get("reply")), ("alone", None)):
            if way == "answered" and not reply:
                continue
            sort = f"{'buyers' if row['buyer'] else row['sort']}, {way}"
            total[sort] += 1
            told[sort] += is_seller(model, correspondence_of(row["text"], reply), embedder)
    for sort in sorted(total):
        print(f"{sort}: {told[sort]} of {total[sort]} taken for sellers")


def is_seller(model: SellerModel, correspondence: Correspondence, embedder: Embedder) -> bool:
    """As the program decides."""
    if len(correspondence.said) < MIN_SENTENCES:
        return False
    rows: tuple[Vectors, Vectors] = embed_correspondence([correspondence], embedder)
    return bool(model.find_sellers(*rows)[0] >= model.threshold)


if __name__ == "__main__":
    main()
