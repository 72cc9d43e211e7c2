"""Fits the sentence model of nlp/sentence_model.py and writes data/insights/model.npz.

    python bench/train_insights.py [MAILBOX...] [--out FILE] [--threshold 0.48] [--alone-threshold 0.4] [--everything]

Always learns from bench/training/*.jsonl; MAILBOX are folders with mails/, truth.jsonl and config.json. Lines that say
`scored_only` are left out, so that they can be scored, unless --everything is given.
"""

import argparse
import dataclasses
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.svm import SVC

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.insights import read_mail_of, read_truth, squash, token_f1
from harvester.records import Part, Role
from nlp.candidates import Candidate, find_candidates
from nlp.embedding import Embedder, load_multilingual_embedder
from nlp.features import embed_answers, facet_features, sentence_features
from nlp.lines import count_words
from nlp.pairing import pair_answers
from nlp.patterns import load_patterns
from nlp.records import Insight, Kind

ROOT = Path(__file__).resolve().parent.parent
KERNEL_STRENGTH = 3.0
STRENGTH = 0.1  # inverse of the regularisation
FACET_STRENGTH = 0.03
SENTENCE_WEIGHT = 0.6
MAILBOX_FACET_WEIGHT = 3.0
MAIL_WEIGHT = 3.0  # a sentence of a whole mail is nearer to real life than one written for training
MAX_LONE_PAIN = 11  # words
STORY_WEIGHT = 0.3  # seldom is a whole mail one long pain
MIN_PIECE = 6  # characters


@dataclass(frozen=True, slots=True)
class Example:
    """kind "skip": neither learned nor scored."""

    candidate: Candidate
    kind: str
    category: str | None
    stage: str | None
    weight: float


@dataclass(frozen=True, slots=True)
class Facets:
    """A labelled insight as a whole, to learn what it is about."""

    text: str
    kind: Kind
    category: str
    stage: str
    answer: str | None
    weight: float


def main() -> None:
    """Fits and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mailboxes", nargs="*", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "insights" / "model.npz")
    parser.add_argument("--threshold", type=float, default=0.48)
    parser.add_argument("--alone-threshold", type=float, default=0.40)
    parser.add_argument("--everything", action="store_true")
    args = parser.parse_args()
    training = ROOT / "bench" / "training"
    examples = read_sentences(training / "insights.jsonl", everything=args.everything)
    lone = read_sentences(training / "alone.jsonl", everything=args.everything)
    lone += read_stories(training / "insights.jsonl", everything=args.everything)
    examples += read_mails(training / "mails.jsonl", everything=args.everything)
    facets = [one for file in sorted((training / "topics").glob("*.jsonl")) for one in read_topics(file)]
    for folder in args.mailboxes:
        examples += read_mailbox(folder, everything=args.everything)
        facets += read_mailbox_facets(folder, everything=args.everything)
    arrays = fit([example for example in examples if example.kind != "skip"], lone, facets)
    arrays = {"threshold": np.array(args.threshold), "alone_threshold": np.array(args.alone_threshold)} | arrays
    np.savez_compressed(args.out, **arrays)
    digest = hashlib.sha256(args.out.read_bytes()).hexdigest()
    args.out.with_suffix(".sha256").write_text(digest + "\n", encoding="ascii")
    print(f"{len(examples) + len(lone)} sentences, {args.out.stat().st_size / 1000:.0f} kB, {digest}")


def fit(examples: list[Example], lone: list[Example], facets: list[Facets]) -> dict[str, Any]:
    """The arrays that nlp.sentence_model reads. lone: whole mails of one sentence, of which the rest learns nothing."""
    embedder = load_multilingual_embedder()
    if embedder is None:
        sys.exit("the multilingual encoder is not installed")
    weights = np.array([example.weight for example in examples])
    features = _features_of(examples, embedder)
    is_insight = np.array([example.kind != "none" for example in examples])
    arrays = _fit_kernel("among", examples, features, weights)
    lone = [example for example in [*examples, *lone] if example.candidate.is_all]
    lone_weights = np.array([STORY_WEIGHT if is_story(one.candidate, one.kind) else 1.0 for one in lone])
    arrays |= _fit_kernel("alone", lone, _features_of(lone, embedder), lone_weights)
    kinds = [example.kind for example in examples if example.kind != "none"]
    arrays |= _fit_linear("kinds", features[is_insight], kinds, weights[is_insight], STRENGTH)
    facets = facets + [
        Facets(example.candidate.line.text, Kind(example.kind), example.category, example.stage or "", None, 1.0)
        for example in examples
        if example.category
    ]
    texts = [one.text for one in facets]
    answers = embed_answers([one.answer for one in facets], embedder)
    features = facet_features(texts, [one.kind for one in facets], embedder.embed(texts), answers)
    weights = np.array([one.weight for one in facets])
    for name, values in (
        ("categories", [one.category for one in facets]),
        ("stages", [one.stage for one in facets]),
    ):
        arrays |= _fit_linear(name, features, values, weights, FACET_STRENGTH)
    return arrays


def _features_of(examples: list[Example], embedder: Embedder) -> Any:
    candidates = [example.candidate for example in examples]
    vectors = embedder.embed([candidate.line.text for candidate in candidates])
    return sentence_features(candidates, vectors).astype(np.float16).astype(np.float64)


def _fit_kernel(name: str, examples: list[Example], features: Any, weights: Any) -> dict[str, Any]:
    is_insight = np.array([example.kind != "none" for example in examples])
    groups = [squash(example.candidate.line.text) for example in examples]
    gamma = 1.0 / (features.shape[1] * features.var())
    machine = SVC(C=KERNEL_STRENGTH, gamma=gamma)
    scores = np.zeros(len(is_insight))
    # A sentence that stands in both ways must not be on both sides, or the sigmoid becomes too sure.
    for learned, held in GroupKFold(5).split(features, is_insight, groups):
        machine.fit(features[learned], is_insight[learned], sample_weight=weights[learned])
        scores[held] = machine.decision_function(features[held])
    sigmoid = LogisticRegression(C=1000).fit(scores[:, None], is_insight, sample_weight=weights)
    machine.fit(features, is_insight, sample_weight=weights)
    return {
        f"{name}_vectors": machine.support_vectors_.astype(np.float16),
        f"{name}_weights": machine.dual_coef_[0].astype(np.float32),
        f"{name}_bias": np.array(machine.intercept_[0]),
        f"{name}_gamma": np.array(gamma),
        f"{name}_slope": np.array(sigmoid.coef_[0, 0]),
        f"{name}_offset": np.array(sigmoid.intercept_[0]),
    }


def _fit_linear(name: str, features: Any, labels: list[str], weights: Any, strength: float) -> dict[str, Any]:
    model = LogisticRegression(C=strength, max_iter=5000)
    model.fit(features, labels, sample_weight=weights)
    return {
        f"{name}_names": np.array([str(label) for label in model.classes_]),
        f"{name}_weights": model.coef_.T.astype(np.float32),
        f"{name}_bias": model.intercept_.astype(np.float32),
    }


def read_sentences(file: Path, *, everything: bool) -> list[Example]:
    """Sentences written for training; `alone`: somebody would write this and nothing else."""
    examples: list[Example] = []
    for row in read_rows(file, everything=everything):
        for alone in _candidates_of(row):
            line = dataclasses.replace(alone.line, number=2, count=5, starts=False, ends=False)
            amid = dataclasses.replace(alone, line=line, is_all=False)
            # Both ways, or the model learns that what stands alone is one thing or the other. But hardly anybody's
            # whole mail is a story: those stand among other sentences.
            is_amid = is_story(alone, row["kind"])
            ways = (alone,) if row.get("alone") else (amid,) if is_amid else (alone, amid)
            examples.extend(
                Example(one, row["kind"], row.get("category"), row.get("stage"), SENTENCE_WEIGHT) for one in ways
            )
    return examples


def read_stories(file: Path, *, everything: bool) -> list[Example]:
    """The long pains among those sentences, each as if it were a whole mail."""
    return [
        Example(alone, row["kind"], None, None, SENTENCE_WEIGHT)
        for row in read_rows(file, everything=everything)
        for alone in _candidates_of(row)
        if alone.is_all and is_story(alone, row["kind"])
    ]


def is_story(candidate: Candidate, kind: str) -> bool:
    """Whether it tells of a pain at some length."""
    return kind == Kind.PAIN and count_words(candidate.line.text) > MAX_LONE_PAIN


def _candidates_of(row: dict[str, Any]) -> list[Candidate]:
    part = Part(Role.QUOTED, row["text"], depth=1, author_kind="prospect")
    return [
        dataclasses.replace(one, language=row["language"], hits=load_patterns(row["language"]).find(one.line.text))
        for one in find_candidates((part,), "")
    ]


def read_mails(file: Path, *, everything: bool) -> list[Example]:
    """Short mails written for training, a label at each sentence: they teach what is mere context."""
    examples = []
    for mail in read_rows(file, everything=everything):
        rows = {squash(row["text"]): row for paragraph in mail["paragraphs"] for row in paragraph}
        text = "\n\n".join(" ".join(row["text"] for row in paragraph) for paragraph in mail["paragraphs"])
        for candidate in find_candidates((Part(Role.QUOTED, text, depth=1, author_kind="prospect"),), ""):
            row = rows.get(squash(candidate.line.text))
            if row:
                examples.append(Example(candidate, row["kind"], row.get("category"), row.get("stage"), MAIL_WEIGHT))
    return examples


def read_rows(file: Path, *, everything: bool) -> list[dict[str, Any]]:
    """The lines of the file, without those that are only there to measure with unless everything is wanted."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
    return [row for row in rows if everything or not row.get("scored_only")]


def read_topics(file: Path) -> list[Facets]:
    """Insights of one company with category, stage and answer."""
    return [
        Facets(row["text"], Kind(row["kind"]), row["category"], row["stage"], row.get("answer"), 1.0)
        for row in read_rows(file, everything=True)
    ]


def read_mailbox_facets(folder: Path, *, everything: bool) -> list[Facets]:
    """The insights of a labelled mailbox with the answers that are found for them."""
    facets = []
    for row in read_truth(folder):
        if row.get("scored_only") and not everything:
            continue
        parts, _, _ = read_mail_of(folder, row)
        for wanted in row["insights"]:
            part = next((i for i, part in enumerate(parts) if squash(wanted["text"]) in squash(part.text)), None)
            if part is None or wanted["inferred"] or not wanted["new"]:
                continue
            kind, category, stage = Kind(wanted["kind"]), wanted["category"], wanted["stage"]
            insight = Insight(kind, wanted["text"], part, 1.0, "", category, stage, row.get("lang", "en"))
            answer = pair_answers([insight], parts)[0]
            facets.append(Facets(insight.text, kind, category, stage, answer, MAILBOX_FACET_WEIGHT))
    return facets


def read_mailbox(folder: Path, *, everything: bool) -> list[Example]:
    """Every sentence of the prospects of a labelled mailbox, each once."""
    examples: dict[tuple[str, str], Example] = {}
    for row in read_truth(folder):
        if row.get("scored_only") and not everything:
            continue
        parts, subject, heard = read_mail_of(folder, row)
        for candidate in find_candidates(parts, subject, heard=heard):
            kind, category, stage = label_of(candidate.line.text, row)
            example = Example(candidate, kind, category, stage, MAIL_WEIGHT)
            examples.setdefault((squash(candidate.line.text), kind), example)
    return list(examples.values())


def label_of(text: str, row: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """What the truth says of this sentence."""
    got = squash(text)
    for insight in row["insights"]:
        truth = squash(insight["text"])
        is_same = truth in got or (got in truth and len(got) >= MIN_PIECE) or token_f1(insight["text"], text) > 0.8
        if is_same and not insight["inferred"]:
            # "We have 40 plants. Would that work?" is one question; its first sentence alone is none.
            is_context = got in truth and got != truth and "?" in insight["text"] and "?" not in text
            return ("skip", None, None) if is_context else (insight["kind"], insight["category"], insight["stage"])
    is_grey = any(squash(grey) in got or got in squash(grey) for grey in row.get("optional") or [])
    return ("skip", None, None) if is_grey else ("none", None, None)


if __name__ == "__main__":
    main()
