"""Scores libraries from the package index on the cases of bench/parts.py, in the same run: python bench/peers.py FOLDER

They answer only "what is new", so only that is compared. Install them first: uv sync --group bench
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import quotequail
from mailparser_reply import EmailReplyParser
from mailparser_reply.constants import MAIL_LANGUAGES
from parts import is_same, overlap, own_text, parse_case, squash

from harvester.records import Mail
from harvester.splitting import split_mail
from harvester.splitting.html_lines import read_html_lines

FindOwnText = Callable[[Mail], str]
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Score:
    """Per cent of the cases, but for mails_per_second."""

    exact: float
    f1: float
    leaks: float
    signature_leaks: float
    loses: float
    mails_per_second: float


def ours(mail: Mail) -> str:
    return own_text(split_mail(mail))


def by_quotequail(mail: Mail) -> str:
    # Its `unwrap` does better here than its `quote`, which knows fewer introductions.
    if mail.html:
        page = quotequail.unwrap_html(mail.html)
        return as_text(mail.html if page is None else page.get("html_top", "") + page.get("html_bottom", ""))
    text = mail.text or ""
    found = quotequail.unwrap(text)
    return text if found is None else f"{found.get('text_top', '')}\n{found.get('text_bottom', '')}"


def by_mail_parser_reply(mail: Mail) -> str:
    # It reads plain text only; it gets the lines that we see in the page, quote marks included.
    return PARSER.parse_reply(as_text(mail.html) if mail.html else mail.text or "") or ""


PARSER = EmailReplyParser(languages=[language for language in MAIL_LANGUAGES if language != "david"])


def as_text(html: str) -> str:
    lines, rest = read_html_lines(html)
    return "\n".join([*("> " * line.depth + line.text for line in lines), rest])


def measure(find: FindOwnText, cases: list[dict], mails: dict[str, Mail]) -> Score:
    for case in cases[:20]:
        find(mails[case["id"]])
    started = time.process_time()
    found = next({case["id"]: find(mails[case["id"]]) for case in cases} for _ in range(ROUNDS))
    seconds = (time.process_time() - started) / ROUNDS
    exact, f1, leaks, signature_leaks, loses = [], [], [], [], []
    for case in cases:
        got = found[case["id"]]
        references = [case["expected_reply"], *case["also_ok"]]
        pairs = [overlap(reference, got) for reference in references]
        is_exact = any(is_same(reference, got) for reference in references)
        exact.append(is_exact)
        f1.append(1.0 if is_exact else max(score for score, _ in pairs))
        loses.append(not is_exact and min(lost for _, lost in pairs) > 0.2)
        for name, values in (("must_not_be_in_reply", leaks), ("signature_lines", signature_leaks)):
            if case[name]:
                values.append(not is_exact and any(squash(line) and squash(line) in squash(got) for line in case[name]))
    shares = (100 * sum(values) / len(values) for values in (exact, f1, leaks, signature_leaks, loses))
    return Score(*shares, len(cases) / seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds replies.jsonl")
    folder = parser.parse_args().folder
    cases = [json.loads(line) for line in (folder / "replies.jsonl").read_text(encoding="utf-8").splitlines()]
    mails = {case["id"]: parse_case(case) for case in cases}
    peers = {"ours": ours, "quotequail": by_quotequail, "mail-parser-reply": by_mail_parser_reply}
    scores = {name: measure(find, cases, mails) for name, find in peers.items()}
    print(f"{len(cases)} replies; per cent; each with its ratio to ours")
    print("                     exact          F1       leaks   sig. leaks       loses     mails/s")
    for name, score in scores.items():
        row = ""
        for field in Score.__slots__:
            value, own = getattr(score, field), getattr(scores["ours"], field)
            row += f"{value:7.1f}" + (f" {value / own:4.1f}" if name != "ours" and own else "     ")
        print(f"{name:18}{row}")


if __name__ == "__main__":
    main()
