"""Looks for risky calls in the code and for known vulnerabilities in what is locked: make audit

Every finding is mended, or explained in docs/audit.toml; anything else fails. When the advisory service cannot be
reached this is said aloud, and the rest still counts.
"""

import json
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("answers.py", "harvester", "nlp", "digest")
TIMEOUT_SECONDS = 300
Finding = tuple[str, str, int, str]  # test, file, line, text


def main() -> int:
    """Exit code 1 for a finding that nobody explained, or an explanation without a finding."""
    explained = tomllib.loads((ROOT / "docs" / "audit.toml").read_text(encoding="utf-8"))
    problems = [*audit_code(explained["code"]), *audit_packages(explained.get("package", []))]
    for problem in problems:
        print(f"audit: {problem}")
    print(f"audit: {len(problems)} findings without an explanation" if problems else "audit: nothing unexplained")
    return 1 if problems else 0


def audit_code(explained: list[dict[str, object]]) -> list[str]:
    """What bandit finds beyond docs/audit.toml, and explanations that have become superfluous."""
    found = scan_code()
    print(f"audit: bandit looked at {', '.join(CODE)}: {len(found)} findings")
    return judge_code(found, explained)


def judge_code(found: list[Finding], explained: list[dict[str, object]]) -> list[str]:
    """Problems in bandit's list. explained: test, files (patterns)."""
    allowed = [(str(one["test"]), str(file)) for one in explained for file in one["files"]]  # type: ignore[attr-defined]

    def is_meant(finding: Finding, entry: tuple[str, str]) -> bool:
        return finding[0] == entry[0] and fnmatch(finding[1], entry[1])

    new = [
        f"{file}:{line}: {test} {text}"
        for test, file, line, text in found
        if not any(is_meant((test, file, line, text), entry) for entry in allowed)
    ]
    gone = [entry for entry in allowed if not any(is_meant(finding, entry) for finding in found)]
    return new + [f"docs/audit.toml explains {test} in {file}, which is not found any more" for test, file in gone]


def scan_code() -> list[Finding]:
    """(test, file, line, text) of every finding of bandit."""
    command = [sys.executable, "-m", "bandit", "-q", "-r", *CODE, "-f", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    report = json.loads(done.stdout)
    if report["errors"]:
        raise SystemExit(f"audit: bandit could not read {report['errors']}")
    return [
        (r["test_id"], r["filename"].removeprefix("./"), r["line_number"], r["issue_text"]) for r in report["results"]
    ]


def audit_packages(explained: list[dict[str, object]]) -> list[str]:
    """Known vulnerabilities of what requirements.lock pins, beyond docs/audit.toml."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", "requirements.lock", "--require-hashes",
               "--disable-pip", "--progress-spinner", "off", "--format", "json"]  # fmt: skip
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        report = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError) as error:
        print(
            f"audit: WARNING: the advisory service cannot be reached ({type(error).__name__}); no package was checked"
        )
        return []
    return judge_packages(report, {(str(one["name"]), str(one["id"])) for one in explained})


def judge_packages(report: list[dict[str, object]], allowed: set[tuple[str, str]]) -> list[str]:
    """Problems in pip-audit's list; says how many packages were really looked up."""
    skipped = [str(one["name"]) for one in report if "skip_reason" in one]
    checked = len(report) - len(skipped)
    print(f"audit: {checked} of {len(report)} locked packages were looked up in the advisory service")
    if skipped:
        shown = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        print(
            f"audit: WARNING: {len(skipped)} packages were NOT checked, the service does not answer for them: {shown}"
        )
    return [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in report
        for flaw in one.get("vulns", [])  # type: ignore[attr-defined]
        if (str(one["name"]), str(flaw["id"])) not in allowed
    ]


if __name__ == "__main__":
    sys.exit(main())
