"""Imports go one way: harvester <- nlp <- digest <- answers; start-up stays light."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "harvester": {"harvester"},
    "nlp": {"harvester", "nlp"},
    "digest": {"harvester", "nlp", "digest"},
}


def imported_packages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_go_one_way(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        wrong = (imported_packages(path) & {*MAY_IMPORT, "answers"}) - MAY_IMPORT[package]
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def modules_at_import(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules of ours that must be loaded before this one is, and the packages that they lie in."""
    own_packages = {".".join(path.relative_to(ROOT).parts[:depth]) for depth in range(1, len(path.parts))}
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found |= {name.rpartition(".")[0] for name in found}
    return (found & modules.keys()) - own_packages


def test_any_module_can_be_the_first_to_be_imported():
    files = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}
    graph = {name: modules_at_import(path, modules) for name, path in modules.items()}
    assert "harvester.splitting" in graph["harvester.reading"]
    TopologicalSorter(graph).prepare()


def test_start_up_loads_no_language_or_model_library():
    heavy = ("spacy", "sklearn", "onnxruntime", "numpy", "sqlite_utils", "rich.table", "apscheduler")
    code = f"import sys, answers; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
