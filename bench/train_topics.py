"""Fits the "same topic?" model of nlp/same_topic.py and writes data/topics/.

    python bench/train_topics.py [--out FOLDER] [--score MAILBOX...] [--leave-one-out]

Learns from bench/training/topics/*.jsonl (insights of eight companies with their topics) and data/atlas/. --score: a
labelled mailbox (truth.jsonl) that is scored and never learned from. --leave-one-out: how well a company is understood
that was not learned from. Needs the group `bench` (onnx).
"""

import argparse
import collections
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nlp.atlas import shipped_archetypes
from nlp.embedding import Encoders, load_encoders
from nlp.space import Expression, RawRows, embed_expressions, first_centre, lay_out_blocks, widen_centre
from nlp.views import FEATURES, Recogniser, Said, Views, compare_views, count_words_hashed, see

ROOT = Path(__file__).resolve().parent.parent
ATLAS_STRENGTH = 30.0  # inverse of the regularisation
# Mails whose answers are missing, or belong to another question: a scorer that has only seen perfect pairs trusts them.
MISSING, MIXED_UP = (0.4,), (0.3, 0.5)


@dataclass(frozen=True, slots=True)
class Company:
    """raw: vectors of n insights. labels: their topics."""

    name: str
    said: tuple[Said, ...]
    labels: tuple[str, ...]
    raw: RawRows


def main() -> None:
    """Fits, scores and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "topics")
    parser.add_argument("--score", nargs="*", type=Path, default=[])
    parser.add_argument("--leave-one-out", action="store_true")
    args = parser.parse_args()
    encoders = load_encoders()
    companies = [read_company(file, encoders) for file in sorted((ROOT / "bench/training/topics").glob("*.jsonl"))]
    recogniser, archetypes, texts = fit_recogniser(encoders)
    rarity = fit_rarity([*texts, *(text for c in companies for one in c.said for text in (one.text, one.answer))])
    if args.leave_one_out:
        for company in companies:
            others = [other for other in companies if other is not company]
            tell(company, fit_pairs(others, encoders, recogniser, rarity), encoders, recogniser, rarity)
    model = fit_pairs(companies, encoders, recogniser, rarity)
    for folder in args.score:
        tell(read_mailbox_company(folder, encoders), model, encoders, recogniser, rarity)
    write(args.out, model, recogniser, archetypes, rarity, encoders.name)


def read_company(file: Path, encoders: Encoders) -> Company:
    """One file of training data."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    said = tuple(Said(row["text"], row["answer"] or "", row["kind"], row["language"]) for row in rows)
    return Company(file.stem, said, tuple(row["topic"] for row in rows), embed(said, encoders))


def read_mailbox_company(folder: Path, encoders: Encoders) -> Company:
    """The true insights of a labelled mailbox with the passages that the program pairs them with."""
    from bench.topics import read_mailbox

    cases = read_mailbox(folder, encoders)
    said = tuple(Said(case.text, case.answer or "", case.kind, case.language) for case in cases)
    return Company(folder.name, said, tuple(case.label for case in cases), embed(said, encoders))


def embed(said: Sequence[Said], encoders: Encoders) -> RawRows:
    """Raw vectors, as the program makes them."""
    expressions = [Expression(one.text, "", one.answer or None, one.language) for one in said]
    return embed_expressions(lay_out_blocks(encoders), expressions)


def fit_recogniser(encoders: Encoders) -> tuple[Recogniser, list[str], list[str]]:
    """(the recogniser of archetypes, their ids in its order, all phrasings)."""
    archetypes = shipped_archetypes()
    spoken = [(number, *phrasing) for number, one in enumerate(archetypes) for phrasing in one.phrasings]
    raw = embed([Said(text, "", "question", language) for _, language, text in spoken], encoders).questions
    model = LogisticRegression(C=ATLAS_STRENGTH, max_iter=300).fit(raw, [number for number, _, _ in spoken])
    weights = model.coef_.T.astype(np.float16).astype(np.float32)
    recogniser = Recogniser(weights, model.intercept_.astype(np.float32), np.zeros(len(archetypes), np.float32))
    usual = np.log(recogniser.chances(raw) + 1e-4).mean(axis=0).astype(np.float32)
    return replace(recogniser, usual=usual), [one.id for one in archetypes], [text for _, _, text in spoken]


def fit_rarity(texts: Sequence[str]) -> Any:
    """Inverse document frequency of every hashed word."""
    idf = TfidfTransformer().fit(count_words_hashed(texts)).idf_
    return idf.astype(np.float16).astype(np.float32)


def view(company: Company, encoders: Encoders, recogniser: Recogniser, rarity: Any) -> Views:
    """The company's insights as the program would see them when all had arrived."""
    blocks = lay_out_blocks(encoders)
    centre = widen_centre(first_centre(blocks), company.raw, blocks)
    return see(company.said, company.raw, centre, blocks, recogniser, rarity)


def fit_pairs(companies: Sequence[Company], encoders: Encoders, recogniser: Recogniser, rarity: Any) -> Any:
    """Gradient boosting over pairs of insights of one company."""
    features, same = [], []
    for company in companies:
        for variant in variants(company):
            views = view(variant, encoders, recogniser, rarity)
            upper = np.triu_indices(len(company.labels), 1)
            features.append(compare_views(views, views)[upper])
            same.append(labels_equal(company)[upper])
    model = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.05,
        max_leaf_nodes=12,
        l2_regularization=5,
        min_samples_leaf=200,
        early_stopping=False,
        random_state=0,
    )
    return model.fit(np.vstack(features), np.concatenate(same))


def variants(company: Company) -> Iterator[Company]:
    """The company as it is, and as it would be with imperfect answers."""
    yield company
    random = np.random.default_rng(0)
    for share in MISSING:
        rows = np.flatnonzero(random.random(len(company.said)) < share)
        yield exchange(company, rows, None)
    for share in MIXED_UP:
        rows = np.flatnonzero(random.random(len(company.said)) < share)
        yield exchange(company, rows, random.permutation(rows))


def exchange(company: Company, rows: Any, others: Any) -> Company:
    """The answers of `rows` replaced by those of `others`, or taken away."""
    said, answers = list(company.said), company.raw.answers.copy()
    answers[rows] = 0 if others is None else company.raw.answers[others]
    for place, row in enumerate(rows):
        answer = "" if others is None else company.said[others[place]].answer
        said[row] = replace(company.said[row], answer=answer)
    return replace(company, said=tuple(said), raw=RawRows(company.raw.questions, answers))


def labels_equal(company: Company) -> Any:
    """(n, n)."""
    labels = np.array(company.labels)
    return labels[:, None] == labels[None, :]


def tell(company: Company, model: Any, encoders: Encoders, recogniser: Recogniser, rarity: Any) -> None:
    """Average precision over pairs, and the pairwise F1 of average linkage at its best threshold."""
    views = view(company, encoders, recogniser, rarity)
    features = compare_views(views, views)
    scores = model.decision_function(features.reshape(-1, len(FEATURES))).reshape(features.shape[:2])
    scores = (scores + scores.T) / 2
    same, upper = labels_equal(company), np.triu_indices(len(company.labels), 1)
    precision = average_precision_score(same[upper], scores[upper])
    print(
        f"{company.name}: average precision {precision:.3f}, best F1 {best_f1(scores, company.labels):.3f}", flush=True
    )


def best_f1(scores: Any, labels: Sequence[str]) -> float:
    """Pairwise F1 of average linkage, at the threshold that the labels like best."""
    distances = scores.max() - scores
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average")
    return max(
        pairwise_f1(labels, fcluster(tree, at, "distance").tolist()) for at in np.linspace(0, distances.max(), 200)
    )


def pairwise_f1(truth: Sequence[Any], found: Sequence[Any]) -> float:
    """Of pairs that are together."""

    def pairs(values: Sequence[Any]) -> float:
        return sum(n * (n - 1) / 2 for n in collections.Counter(values).values())

    return 2 * pairs(list(zip(truth, found, strict=True))) / max(1, pairs(truth) + pairs(found))


def trees_as_onnx(model: Any) -> Any:
    """The boosted trees as one operator of the ONNX standard (ai.onnx.ml TreeEnsembleRegressor, log odds)."""
    from onnx import TensorProto, helper

    nodes, leaves = collections.defaultdict(list), collections.defaultdict(list)
    for tree, (predictor,) in enumerate(model._predictors):
        for number, node in enumerate(predictor.nodes):
            is_leaf = bool(node["is_leaf"])
            nodes["nodes_treeids"].append(tree)
            nodes["nodes_nodeids"].append(number)
            nodes["nodes_featureids"].append(int(node["feature_idx"]))
            nodes["nodes_values"].append(0.0 if is_leaf else float(node["num_threshold"]))
            nodes["nodes_modes"].append("LEAF" if is_leaf else "BRANCH_LEQ")
            nodes["nodes_truenodeids"].append(int(node["left"]))
            nodes["nodes_falsenodeids"].append(int(node["right"]))
            if is_leaf:
                leaves["target_treeids"].append(tree)
                leaves["target_nodeids"].append(number)
                leaves["target_ids"].append(0)
                leaves["target_weights"].append(float(node["value"]))
    base = [float(model._baseline_prediction.ravel()[0])]
    trees = helper.make_node(
        "TreeEnsembleRegressor",
        ["pairs"],
        ["log_odds"],
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=base,
        **nodes,
        **leaves,
    )
    graph = helper.make_graph(
        [trees],
        "same_topic",
        [helper.make_tensor_value_info("pairs", TensorProto.FLOAT, [None, len(FEATURES)])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def write(folder: Path, model: Any, recogniser: Recogniser, archetypes: list[str], rarity: Any, encoders: str) -> None:
    """The model's parts and their hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "same_topic.onnx").write_bytes(trees_as_onnx(model).SerializeToString(deterministic=True))
    np.savez_compressed(
        folder / "same_topic.npz",
        archetypes=np.array(archetypes),
        weights=recogniser.weights.astype(np.float16),
        bias=recogniser.bias,
        usual=recogniser.usual,
        rarity=rarity.astype(np.float16),
    )
    hashes = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("same_topic.onnx", "same_topic.npz")
    }
    lines = [
        "# Written by bench/train_topics.py from bench/training/topics/ and data/atlas/ (make train).",
        f'encoders = "{encoders}"',
        "",
        "[sha256]",
        *(f'"{name}" = "{value}"' for name, value in hashes.items()),
    ]
    (folder / "same_topic.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print({name: (folder / name).stat().st_size for name in hashes})


if __name__ == "__main__":
    main()
