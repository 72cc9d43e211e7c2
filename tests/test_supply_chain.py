"""What is installed is what was locked, what is loaded is what was measured, and nothing is fetched at run time."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
audit = importlib.import_module("audit")

LOCKED = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
PINS = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
# Refuses every address but this machine's, in the program and in every process that it starts.
GUARD = """
import socket
import sys

def _refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open({log!r}, "a") as log:
            log.write(f"{{event}} {{arguments!r}}\\n")
        raise OSError("the network is cut")

sys.addaudithook(_refuse)
"""


# ---------------------------------------------------------------- the lock
def test_every_pin_has_hashes_and_comes_from_the_index():
    lines = [line.strip() for line in PINS.splitlines() if line.strip() and not line.strip().startswith("#")]
    pins = [line for line in lines if not line.startswith("-")]
    assert len(pins) > 80
    for line in pins:
        assert re.match(r"[a-z0-9._-]+==[^ ]+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line
        assert "://" not in line and " @ " not in line, line
    assert lines == pins, "no option that names another index or loosens the check"


def test_both_locks_say_the_same():
    locked: dict[tuple[str, str], set[str]] = {}
    for one in LOCKED:
        files = [*one.get("wheels", ()), *([one["sdist"]] if "sdist" in one else ())]
        locked[one["name"], one["version"]] = {file["hash"] for file in files}
    pins = re.findall(r"^([a-z0-9._-]+)==([^ ;]+)(.*)$", PINS, re.MULTILINE)
    assert len(pins) > 80
    for name, version, rest in pins:
        assert set(re.findall(r"sha256:[0-9a-f]{64}", rest)) == locked[name, version], name


def test_what_the_program_needs_is_locked():
    names = {one["name"] for one in LOCKED}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert {re.match(r"[a-z0-9-]+", one)[0] for one in wanted} <= names


# ---------------------------------------------------------------- the audit
def test_a_finding_needs_an_explanation_and_an_explanation_a_finding():
    found = [("B608", "nlp/store.py", 7, "sql"), ("B602", "nlp/store.py", 9, "shell")]
    entry = {"test": "B608", "files": ["*/store.py"]}
    assert audit.judge_code(found[:1], [entry]) == []
    assert audit.judge_code(found, [entry]) == ["nlp/store.py:9: B602 shell"]
    (gone,) = audit.judge_code(found[:1], [entry, {"test": "B101", "files": ["*"]}])
    assert "not found any more" in gone


def test_a_vulnerability_fails_and_an_unreachable_service_is_said_aloud(capsys: pytest.CaptureFixture[str]):
    flaw = {"id": "PYSEC-1", "fix_versions": ["2"]}
    report = [{"name": "a", "version": "1", "vulns": [flaw]}, {"name": "b", "skip_reason": "not found"}]
    assert audit.judge_packages(report, set()) == ["a 1: PYSEC-1, mended in 2"]
    assert audit.judge_packages(report, {("a", "PYSEC-1")}) == []
    said = capsys.readouterr().out
    assert "1 of 2 locked packages were looked up" in said
    assert "WARNING: 1 packages were NOT checked" in said


def test_every_explanation_has_a_reason():
    explained = tomllib.loads((ROOT / "docs" / "audit.toml").read_text(encoding="utf-8"))
    for entry in (*explained["code"], *explained.get("package", ())):
        assert len(entry["reason"]) > 30


# ---------------------------------------------------------------- no network
def run_demo(folder: Path, *before: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (path, str(ROOT))))}
    command = [*before, sys.executable, "-m", "answers", "demo", str(folder / "demo")]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )


def test_the_demo_asks_the_network_for_nothing(tmp_path: Path):
    """Every attempt to connect or to look up a name is refused and noted, in the workers, too."""
    hook = tmp_path / "hook"
    hook.mkdir()
    log = tmp_path / "asked"
    (hook / "sitecustomize.py").write_text(GUARD.format(log=str(log)), encoding="utf-8")
    probe = "import socket; socket.create_connection(('192.0.2.1', 80))"
    refused = subprocess.run(
        [sys.executable, "-c", probe], env={**os.environ, "PYTHONPATH": str(hook)}, capture_output=True, check=False
    )
    assert refused.returncode == 1 and log.exists(), "the guard stands"
    log.unlink()
    done = run_demo(tmp_path, path=str(hook))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo" / "site" / "index.html").exists()
    assert not log.exists(), log.read_text()


def test_the_demo_runs_in_a_machine_without_a_network(tmp_path: Path):
    """In a network namespace of its own, where not even the loopback interface is up."""
    cut = ("unshare", "--net")
    if not shutil.which("unshare") or subprocess.run([*cut, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a network namespace (root)")
    done = run_demo(tmp_path, *cut)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "demo" / "outbox").glob("*/digest.eml"))
