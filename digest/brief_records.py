"""A brief before it has a form: sections of lines, each with what it traces to. Texts of mails are redacted."""

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """What a line traces to. COUNTED: numbers from the database in the words of the frame."""

    MAIL = "mail"
    FILE = "file"
    COUNTED = "counted"


@dataclass(frozen=True, slots=True)
class Line:
    """note: who said it and when, how often; shown behind the text. language: of the text, "" for the brief's own."""

    text: str
    origin: Origin
    note: str = ""
    language: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """key: as in data/brief/. form: lines | numbered | quotes | words | ticks.

    ask: whom to ask, when there is no line.
    """

    key: str
    heading: str
    form: str
    lines: tuple[Line, ...]
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """One page. facets: id, category, stage. small: how it was counted."""

    language: str
    title: str
    facets: tuple[str, ...]
    name: str
    name_language: str
    advice: str
    reason: str
    small: str
    sections: tuple[Section, ...]
