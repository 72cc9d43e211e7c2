"""The words around the buyers' words, by language, read from data/frame/. Knows grammar of one and many, and dates."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from digest.records import DayRange
from harvester.errors import UsageError
from harvester.resources import data_folder


@dataclass(frozen=True, slots=True)
class Frame:
    """One language. table: the file as it is."""

    table: dict[str, Any]

    @property
    def language(self) -> str:
        """The ISO 639-1 code."""
        return str(self.table["language"])

    def say(self, key: str, **values: object) -> str:
        """The text at "section.key", filled in. values are inserted as they are, never interpreted."""
        section, name = key.split(".")
        return str(self.table[section][name]).format(**values)

    def count(self, thing: str, n: int) -> str:
        """ "3 companies" or "1 company"; thing: companies, colleagues, answers, insights, mails."""
        return self.say(f"count.{thing}_{'one' if n == 1 else 'many'}", n=n)

    def count_of(self, thing: str, n: int, **values: object) -> str:
        """What a number counts, in the right form for `n`, without the number."""
        return self.say(f"numbers.{thing}_{'one' if n == 1 else 'many'}", **values)

    def sent(self, links: int, answers: int) -> str:
        """In how many of the answers the page was sent."""
        if not answers:
            return self.say("text.sent_none")
        return self.say(f"text.sent_{'one' if answers == 1 else 'many'}", n=links, answers=answers)

    def event(self, event: str, detail: str, **values: object) -> str:
        """What became of a topic, and who is on it, why not or until when, where that was said."""
        named = f"text.follow_{event}_by"
        if detail and event in ("claimed", "drafting", "wont-do", "snoozed"):
            return self.say(named, detail=detail, **values)
        return self.say(f"text.follow_{event}", **values)

    def quoted(self, text: str) -> str:
        """The text in this language's quotation marks."""
        return f"{self.table['quote_open']}{text}{self.table['quote_close']}"

    def day(self, day: date, *, year: bool = False) -> str:
        """ "16 Nov" or "16 Nov 2026"."""
        shape = str(self.table["day_with_year" if year else "day"])
        return shape.format(day=day.day, month=self.table["months"][day.month - 1], year=day.year)

    def span(self, days: DayRange) -> str:
        """ "26 Oct to 22 Nov"."""
        return self.say("footer.span", first=self.day(days.first), last=self.day(days.last))

    def period(self, period: str) -> str:
        """ "2026-W47" -> "Week 47, 2026"; "2026-M11" -> "November 2026"."""
        year, mark, number = period[:4], period[5:6], int(period[6:])
        if mark == "M":
            return self.month(period)
        return self.say("heading.week", week=number, year=year)

    def month(self, month: str) -> str:
        """ "2026-M11" -> "November 2026"."""
        return f"{self.table['months_in_full'][int(month[6:]) - 1]} {month[:4]}"

    def figure(self, name: str, n: int) -> str:
        """What one of the five numbers counts, in the right form for `n`."""
        return self.say(f"executive.figure_{name}_{'one' if n == 1 else 'many'}")

    def language_name(self, code: str) -> str:
        """The name of a language; its code where the file knows none."""
        return str(self.table["language_name"].get(code, code))


@lru_cache
def load_frame(language: str) -> Frame:
    """Read the texts of a language; UsageError names the ones that exist."""
    folder = data_folder() / "frame"
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if language not in known:
        raise UsageError(f"the digest does not speak {language!r}; it speaks {', '.join(known)}")
    return Frame(tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8")))
