"""Scores the splitter in-process on labelled replies and forwards: python bench/parts.py FOLDER [--mailbox DIR] [--all]

FOLDER holds replies.jsonl and forwards.jsonl. Six tenths of the cases (by hash of their id) are for reading failures;
the others are only scored, so that rules are not fitted to them.
"""

import argparse
import hashlib
import json
import re
import time
import unicodedata
from collections import Counter
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from harvester.mime import parse_mail
from harvester.records import Mail, Part
from harvester.splitting import split_mail

ZERO_WIDTH = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
QUOTES = ("quoted", "history", "forwarded")


def is_for_reading(case_id: str) -> bool:
    return int(hashlib.sha256(case_id.encode()).hexdigest(), 16) % 10 < 6


def new_mail(subject: str, text: str, subtype: str = "plain", to: str = "Li Chen <li@globex.example>") -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Rona Reyes <rona@acme.example>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = "Mon, 02 Nov 2026 09:00:00 +0000"
    mail["Message-ID"] = "<case@bench.example>"
    mail.set_content(text, subtype=subtype, cte="base64")
    return mail.as_bytes()


def squash(text: str | None) -> str:
    return re.sub(r"\s+", "", ZERO_WIDTH.sub("", unicodedata.normalize("NFKC", text or "")))


def is_same(expected: str, got: str) -> bool:
    def strip(text: str) -> str:
        return re.sub(r"[-_*=]{2,}$", "", squash(re.sub(r"[\s\-_*=]+$", "", text or "")))

    return strip(expected) == strip(got)


def words(text: str | None) -> Counter[str]:
    return Counter(re.findall(r"\w+", ZERO_WIDTH.sub("", unicodedata.normalize("NFKC", text or "")).lower()))


def overlap(expected: str, got: str) -> tuple[float, float]:
    e, g = words(expected), words(got)
    common, total = sum((e & g).values()), sum(e.values()) + sum(g.values())
    return (2 * common / total if total else 1.0), (1 - common / sum(e.values()) if e else 0.0)


def own_text(parts: tuple[Part, ...]) -> str:
    return "\n".join(part.text for part in parts if part.role == "own")


def percent(values: list[float]) -> str:
    return f"{100 * sum(values) / len(values):5.1f}" if values else "  nan"


def parse_case(case: dict) -> Mail:
    if case["kind"] == "eml":
        return parse_mail(case["raw"].encode("utf-8", "surrogateescape"))
    return parse_mail(new_mail("Re: your question", case["raw"], "html" if case["kind"] == "html" else "plain"))


def score_replies(cases: list[dict], results: dict[str, tuple[Part, ...]], *, show: bool) -> None:
    scores: dict[str, list[float]] = {key: [] for key in ("exact", "F1", "leaks", "signature leaks", "loses", "author")}
    failing: dict[str, list[str]] = {key: [] for key in scores}
    for case in cases:
        parts = results[case["id"]]
        got = own_text(parts)
        references = [case["expected_reply"], *case["also_ok"]]
        exact = any(is_same(reference, got) for reference in references)
        pairs = [overlap(reference, got) for reference in references]
        row = {"exact": float(exact), "F1": 1.0 if exact else max(f1 for f1, _ in pairs)}
        row["loses"] = 0.0 if exact else float(min(lost for _, lost in pairs) > 0.2)
        for name, key in (("leaks", "must_not_be_in_reply"), ("signature leaks", "signature_lines")):
            if case[key]:
                row[name] = float(not exact and any(squash(s) and squash(s) in squash(got) for s in case[key]))
        if case["quoted_author"]:
            wanted = words(case["quoted_author"])
            names = [f"{p.author or ''} {p.author_name or ''}" for p in parts if p.role in QUOTES]
            row["author"] = float(any(wanted and not (wanted - words(name)) for name in names))
        for name, value in row.items():
            scores[name].append(value)
            if (
                (value < 1) == (name in ("exact", "author"))
                and name != "F1"
                and (value < 1 or name not in ("exact", "author"))
            ):
                failing[name].append(case["id"])
    print("  replies ", len(cases), " ".join(f"{name} {percent(values)}" for name, values in scores.items()))
    if show:
        for name, ids in failing.items():
            if ids:
                print("     ", name, *ids)


def score_forwards(cases: list[dict], results: dict[str, tuple[Part, ...]], *, show: bool) -> None:
    scores: dict[str, list[float]] = {key: [] for key in ("address", "name", "body", "false")}
    failing: dict[str, list[str]] = {key: [] for key in scores}
    for case in cases:
        parts = [part for part in results[case["id"]] if part.role == "forwarded"]
        row: dict[str, bool] = {}
        if not case["forwarded"]:
            row["false"] = bool(parts)
        else:
            if case["from_address"]:
                row["address"] = any((p.author or "") == case["from_address"].lower() for p in parts)
            if case["from_name"]:
                row["name"] = any(squash(p.author_name) == squash(case["from_name"]) for p in parts)
            if case["body"]:
                row["body"] = any(overlap(case["body"], p.text)[0] >= 0.95 for p in parts[:1])
        for name, value in row.items():
            scores[name].append(float(value))
            if value == (name == "false"):
                failing[name].append(case["id"])
    print("  forwards", len(cases), " ".join(f"{name} {percent(values)}" for name, values in scores.items()))
    if show:
        for name, ids in failing.items():
            if ids:
                print("     ", name, *ids)


def score_mailbox(folder: Path) -> None:
    def norm(text: str | None) -> str:
        return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text or "")).lower()

    exact: list[float] = []
    author: list[float] = []
    signature: list[float] = []
    failing: list[str] = []
    for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        truth = json.loads(line)
        if truth["file"].startswith("t-") or truth["status"] != "accepted":
            continue
        parts = split_mail(parse_mail((folder / "mails" / truth["file"]).read_bytes()))
        own = norm(own_text(parts))
        exact.append(float(own in {norm(truth["own_text"]), norm(truth["own_text"] + truth["signature"])}))
        if truth["quoted_author"]:
            author.append(
                float(any((p.author or "") == truth["quoted_author"].lower() for p in parts if p.role in QUOTES))
            )
            if not author[-1]:
                failing.append("author:" + truth["file"])
        block = norm(truth.get("signature_block"))
        if len(block) > 3:
            signature.append(
                float(not own.endswith(block) and own.count(block) <= norm(truth["own_text"]).count(block))
            )
        if not exact[-1]:
            failing.append(truth["file"])
    print(f"  mailbox own exact {percent(exact)} author {percent(author)} signature out {percent(signature)}")
    print("     ", *failing)


def measure_speed(mails: list[Mail]) -> None:
    for mail in mails[:20]:
        split_mail(mail)
    started = time.process_time()
    rounds = 3
    for _ in range(rounds):
        for mail in mails:
            split_mail(mail)
    print(f"splitting, mails per second of one core: {rounds * len(mails) / (time.process_time() - started):.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mailbox", type=Path, help="a mailbox with mails/ and truth.jsonl, scored as well")
    parser.add_argument("--case", help="print the parts of one case")
    args = parser.parse_args()
    replies = [json.loads(line) for line in (args.folder / "replies.jsonl").read_text(encoding="utf-8").splitlines()]
    forwards = [json.loads(line) for line in (args.folder / "forwards.jsonl").read_text(encoding="utf-8").splitlines()]
    mails = {case["id"]: parse_case(case) for case in replies}
    for case in forwards:
        mails[case["id"]] = parse_mail(
            new_mail(case.get("mail_subject") or "Fwd:", case["raw"], to="answers@acme.example")
        )
    if args.case:
        for part in split_mail(mails[args.case]):
            print(f"[{part.role} {part.depth} {part.label} {part.author_name} <{part.author}> {part.sent_at}]")
            print(part.text)
        return
    results = {case_id: split_mail(mail) for case_id, mail in mails.items()}
    for title, reading in (("read while developing", True), ("only scored", False)):
        print(title)
        score_replies([c for c in replies if is_for_reading(c["id"]) is reading], results, show=reading)
        score_forwards([c for c in forwards if is_for_reading(c["id"]) is reading], results, show=reading)
    print("all")
    score_replies(replies, results, show=False)
    score_forwards(forwards, results, show=False)
    if args.mailbox:
        score_mailbox(args.mailbox)
    measure_speed(list(mails.values()))


if __name__ == "__main__":
    main()
