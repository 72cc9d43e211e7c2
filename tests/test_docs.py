"""What the documents say is what the program does."""

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
commands = importlib.import_module("commands")


def test_readme_lists_every_command_as_it_is():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert commands.replace_commands(readme, commands.render_commands()) == readme


@pytest.mark.parametrize(
    "name", ["README.md", "docs/architecture.md", "docs/running.md", "docs/privacy.md", "docs/content.md"]
)
def test_links_and_named_files_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / name).parent / target).exists(), target
    for path in re.findall(r"`((?:harvester|nlp|digest|tests|docs|data)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path


def test_make_targets_that_the_readme_names_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z]+)", readme))
    assert {"demo", "test"} <= named
    for target in named:
        assert f"\n{target}:" in makefile
