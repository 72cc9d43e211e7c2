"""How well the gate tells genuine mails from the rest: gate.py FOLDER, with mails/*.eml, truth.jsonl and config.json.

Runs in this process, without workers; prints what was wrongly let in or set aside, then one figure a line.
"""

import json
import sys
import tomllib
from collections import Counter
from pathlib import Path

from harvester.reading import read_mail
from harvester.records import ReadingSettings, Roster
from harvester.resources import data_folder


def main(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shipped = tomllib.loads((data_folder() / "gate" / "excluded_subjects.toml").read_text(encoding="utf-8"))
    settings = ReadingSettings(Roster(tuple(config["domains"])), config["authserv_id"], tuple(shipped["subjects"]))
    counts: Counter[str] = Counter()
    for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        truth = json.loads(line)
        reading = read_mail((folder / "mails" / truth["file"]).read_bytes(), settings)
        verdict = reading.verdict
        allowed = {truth["status"], *(truth.get("status_ok") or ())}
        is_trap = truth["file"].startswith("t-")
        counts["traps" if is_trap else "genuine"] += 1
        right = verdict.status in allowed
        counts["traps right" if is_trap else "genuine right"] += right
        if not right or (is_trap and "-v" in sys.argv):
            print(f"{truth['file']}: {verdict.status} ({verdict.reason}), expected {sorted(allowed)}")
        if not is_trap:
            for key, got in (
                ("colleague", verdict.colleague),
                ("company", verdict.company),
                ("quoted_author", next((p.author for p in reading.parts if p.role in ("quoted", "forwarded")), None)),
            ):
                if truth.get(key):
                    counts[key] += 1
                    counts[key + " right"] += got == truth[key]
                    if got != truth[key]:
                        print(f"{truth['file']}: {key} {got}, expected {truth[key]}")
    for key in ("traps", "genuine", "colleague", "company", "quoted_author"):
        print(f"{key}: {counts[key + ' right']} of {counts[key]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
