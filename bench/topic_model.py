"""The fitted "same topic?" model as the program reads it: trees in the ONNX standard, arrays, a table of the rest."""

import collections
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from nlp.company import COMPANY_FEATURES
from nlp.same_topic import SameTopic, open_trees
from nlp.views import FEATURES

FILES = ("same_topic.onnx", "in_company.onnx", "same_topic.npz")


def open_fitted(model: Any, features: int) -> Any:
    """The boosted trees as the program would open them. features: how many numbers they see of a pair."""
    return open_trees(serialise(model, features))


def serialise(model: Any, features: int) -> bytes:
    """Equal bytes for equal trees."""
    return bytes(trees_as_onnx(model, features).SerializeToString(deterministic=True))


def trees_as_onnx(model: Any, features: int) -> Any:
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
        [helper.make_tensor_value_info("pairs", TensorProto.FLOAT, [None, features])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def write(folder: Path, trees: Any, company_trees: Any, judge: SameTopic) -> None:
    """The model's parts and their hashes. trees, company_trees: as they were fitted. judge: what they are part of."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "same_topic.onnx").write_bytes(serialise(trees, len(FEATURES)))
    (folder / "in_company.onnx").write_bytes(serialise(company_trees, len(COMPANY_FEATURES)))
    np.savez_compressed(
        folder / "same_topic.npz",
        archetypes=np.array(judge.archetypes),
        weights=judge.recogniser.weights.astype(np.float16),
        bias=judge.recogniser.bias,
        usual=judge.recogniser.usual,
        rarity=judge.rarity.astype(np.float16),
        metric=judge.metric.astype(np.float16),
    )
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    lines = [
        "# Written by bench/train_topics.py from bench/training/ and data/atlas/ (make train).",
        f'encoders = "{judge.encoders}"',
        "",
        "[sha256]",
        *(f'"{name}" = "{value}"' for name, value in hashes.items()),
    ]
    (folder / "same_topic.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print({name: (folder / name).stat().st_size for name in hashes})
