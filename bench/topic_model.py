"""The fitted "same topic?" model as the program reads it: trees in the ONNX standard, arrays, a table of the rest."""

import collections
import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nlp.same_topic import CompanyWeights, SameTopic, open_trees
from nlp.views import FEATURES, Recogniser

BEFORE_COMPANY = CompanyWeights(own=1.0, shared=0.0, bias=0.0)  # company says nothing until its weights are fitted


def assemble(
    model: Any, recogniser: Recogniser, archetypes: tuple[str, ...], rarity: Any, metric: Any, encoders: str
) -> SameTopic:
    """What the program would read if this were the shipped model, but for the weights of company."""
    trees = open_trees(serialise(model))
    return SameTopic(encoders, archetypes, recogniser, rarity, metric, trees, BEFORE_COMPANY)


def serialise(model: Any) -> bytes:
    """Equal bytes for equal trees."""
    return bytes(trees_as_onnx(model).SerializeToString(deterministic=True))


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


def write(folder: Path, model: Any, judge: SameTopic) -> None:
    """The model's parts, their hashes, and the weights of company. judge: the model as it was assembled."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "same_topic.onnx").write_bytes(serialise(model))
    np.savez_compressed(
        folder / "same_topic.npz",
        archetypes=np.array(judge.archetypes),
        weights=judge.recogniser.weights.astype(np.float16),
        bias=judge.recogniser.bias,
        usual=judge.recogniser.usual,
        rarity=judge.rarity.astype(np.float16),
        metric=judge.metric.astype(np.float16),
    )
    hashes = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("same_topic.onnx", "same_topic.npz")
    }
    lines = [
        "# Written by bench/train_topics.py from bench/training/topics/ and data/atlas/ (make train).",
        f'encoders = "{judge.encoders}"',
        "",
        "[company]",
        *(f"{name} = {weight}" for name, weight in asdict(judge.company).items()),
        "",
        "[sha256]",
        *(f'"{name}" = "{value}"' for name, value in hashes.items()),
    ]
    (folder / "same_topic.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print({name: (folder / name).stat().st_size for name in hashes})
