"""Every file under data/languages does its work: adding a language is adding a file."""

import tomllib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from harvester.records import Address, Mail, Part, Role
from harvester.resources import data_folder
from harvester.splitting import split_mail

FILES = sorted((data_folder() / "languages").glob("*.toml"))
OWN = "Hello Li,\n\nthe first delivery arrives on Thursday, the second one a week later."
ASKED_ON = date(2026, 11, 2)
EAST_ASIAN = ("ja", "ko", "zh")


def language(code: str) -> dict[str, Any]:
    return tomllib.loads((data_folder() / "languages" / f"{code}.toml").read_text(encoding="utf-8"))


def split(text: str) -> tuple[Part, ...]:
    sender = Address("Rona Reyes", "rona@acme.example")
    sent_at = datetime(2026, 11, 3, 9, tzinfo=UTC)
    return split_mail(Mail(None, (), (), "", sender, (), (), (), sent_at, (), text=text, html=None))


def own_text(parts: tuple[Part, ...]) -> str:
    return "\n".join(part.text for part in parts if part.role is Role.OWN).strip()


def is_understood(parts: tuple[Part, ...]) -> bool:
    quoted = [part for part in parts if part.role is Role.QUOTED]
    return (
        own_text(parts) == OWN
        and bool(quoted)
        and (quoted[0].author, quoted[0].text) == ("li@globex.example", "Do you ship to Norway?")
        and quoted[0].sent_at is not None
        and quoted[0].sent_at.date() == ASKED_ON
    )


@pytest.mark.parametrize("code", [path.stem for path in FILES])
def test_header_blocks_are_understood(code: str) -> None:
    header, dates = language(code)["header"], language(code)["dates"]
    written = (
        "2026-11-02 09:14" if code in EAST_ASIAN else f"{dates['weekdays'][0]}, 2. {dates['months'][10]} 2026 09:14"
    )
    for colon in (": ", " : ", "："):
        lines = [
            f"{header['from'][0]}{colon}Li Chen <li@globex.example>",
            f"{header['sent'][0]}{colon}{written}",
            f"{header['to'][0]}{colon}Rona Reyes",
            f"{header['subject'][0]}{colon}shipping",
        ]
        block = "\n".join(lines)
        assert is_understood(split(f"{OWN}\n\n{block}\n\nDo you ship to Norway?\n")), block


@pytest.mark.parametrize("code", [path.stem for path in FILES])
def test_attribution_lines_with_date_and_address_are_understood(code: str) -> None:
    dates = language(code)["dates"]
    months = dates.get("months_short") or dates["months"]
    written = "2026/11/02" if code in EAST_ASIAN else f"2 {months[10]} 2026"
    missed = [
        line
        for pattern in language(code)["attribution"]["patterns"]
        if pattern.count("{date}") == pattern.count("{name}") == pattern.count("<{address}>") == 1
        and pattern[-1] in ":："
        for line in [pattern.format(date=f"{written} 09:14", name="Li Chen", address="li@globex.example")]
        if not is_understood(split(f"{OWN}\n\n{line}\n\n> Do you ship to Norway?\n"))
    ]
    assert missed == []


@pytest.mark.parametrize(
    ("section", "key"),
    [("mobile", "footers"), ("banner", "external"), ("signature", "sign_offs"), ("separators", "forwarded")],
)
@pytest.mark.parametrize("code", [path.stem for path in FILES])
def test_phrases_are_kept_out_of_the_own_text(code: str, section: str, key: str) -> None:
    block = "From: Li Chen <li@globex.example>\nDate: 2 Nov 2026 09:14\nTo: Rona\nSubject: x\n\nDo you ship to Norway?"
    frames = {
        "mobile": "{own}\n\n{phrase}",
        "banner": "{phrase}.\n\n{own}",
        "signature": "{own}\n\n{phrase},\nRona",
        "separators": "{own}\n\n----- {phrase} -----\n{block}",
    }
    phrases = [phrase.replace("{device}", "iPhone").replace("{app}", "Mail") for phrase in language(code)[section][key]]
    kept = [
        phrase
        for phrase in phrases
        if own_text(split(frames[section].format(own=OWN, phrase=phrase, block=block))) != OWN
    ]
    assert len(kept) * 50 <= len(phrases), kept
