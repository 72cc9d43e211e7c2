"""Builds the nested message (answer, question, history) of one mail and writes it as plain text lines."""

import textwrap
from dataclasses import dataclass
from datetime import datetime

from bench.sample import phrases
from bench.sample.sources import Block, Item, Person, Sources

HEADER_BLOCK = {"outlook", "outlook-mobile", "owa", "notes"}
UNWRAPPED = {"outlook", "outlook-mobile", "owa", "notes", "ios", "apple", "yahoo"}
DASHED = {"gmail", "thunderbird", "plain", "plain-bottom", "inline"}


@dataclass(frozen=True)
class Letter:
    """What one person wrote and what stands quoted below it. client and ui: of the writer, they shape the quote."""

    author: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    sent_at: datetime
    subject: str
    text: str
    closing: str
    signature: str
    client: str
    ui: str
    banner: str = ""
    mobile: str = ""
    disclaimer: str = ""
    forwards: bool = False
    blocks: tuple[Block, ...] = ()
    below: "Letter | None" = None


def answer_letter(item: Item, sources: Sources) -> Letter:
    """The whole mail of an item, newest on top."""
    assert item.rep is not None
    return Letter(
        author=item.rep,
        to=item.to,
        cc=item.cc,
        sent_at=item.sent_at,
        subject=subject_of(item),
        text=item.answer,
        closing=item.closing,
        signature=item.signature,
        client=item.client,
        ui=item.ui,
        mobile=item.mobile,
        disclaimer=item.disclaimer,
        forwards=item.kind == "forward",
        blocks=item.blocks,
        below=question_letter(item, sources) if item.asked_by else None,
    )


def question_letter(item: Item, sources: Sources) -> Letter:
    """The prospect's mail, with the earlier answer below it where the item names a history."""
    assert item.asked_by is not None and item.rep is not None
    earlier = answer_letter(sources.item(item.history), sources) if item.history else None
    return Letter(
        author=item.asked_by,
        to=(item.rep,),
        cc=(),
        # a mail program shows the hour of its owner's own clock
        sent_at=item.asked_at.astimezone(item.sent_at.tzinfo),
        subject=phrases.reply_subject(item.asked_by.client or "gmail", item.lang, item.subject)
        if earlier
        else item.subject,
        text=item.question,
        closing=item.question_closing,
        signature=item.question_signature,
        client=item.asked_by.client or ("outlook" if item.client in HEADER_BLOCK else "gmail"),
        ui=item.asked_by.ui or item.lang,
        banner=item.banner,
        below=earlier,
    )


def subject_of(item: Item) -> str:
    if item.kind == "forward":
        return phrases.forward_subject(item.client, item.ui, item.subject)
    if item.kind in {"note", "new"}:
        return item.subject
    return phrases.reply_subject(item.client, item.ui, item.subject)


def attribution(letter: Letter) -> str:
    """The line that introduces what stands below this letter."""
    assert letter.below is not None
    table = {
        "gmail": phrases.GMAIL,
        "apple": phrases.APPLE,
        "ios": phrases.APPLE,
        "thunderbird": phrases.THUNDERBIRD,
        "inline": phrases.THUNDERBIRD,
        "yahoo": phrases.YAHOO,
    }.get(letter.client, phrases.MUTT)
    below = letter.below
    return phrases.fill(table[letter.ui], below.sent_at, letter.ui, below.author.name, below.author.address)


def header_fields(letter: Letter) -> list[tuple[str, str]]:
    """The header block above what stands below this letter: (label, value)."""
    assert letter.below is not None
    below, ui = letter.below, letter.ui
    sender, sent, to, cc, subject = phrases.LABELS[ui]
    dates = phrases.OUTLOOK_DATE if letter.client == "outlook" else phrases.OWA_DATE
    when = phrases.fill(dates[ui], below.sent_at, ui)
    if letter.client == "notes":
        sent, when = phrases.DATE_LABEL[ui], f"{below.sent_at:%d.%m.%Y %H:%M}"
    if letter.forwards and letter.client in {"gmail", "apple"}:
        sent = phrases.DATE_LABEL[ui]
    fields = [
        (sender, named(below.author)),
        (sent, when),
        (to, "; ".join(named(person) for person in below.to)),
        (cc, "; ".join(named(person) for person in below.cc)),
        (subject, below.subject),
    ]
    return [(label, value) for label, value in fields if value]


def named(person: Person) -> str:
    return f"{person.name} <{person.address}>"


def plain_lines(letter: Letter) -> list[str]:
    """The text/plain body as lines."""
    if letter.client == "inline":
        return [*interleaved(letter), *tail(letter)]
    own = [*wrapped(letter.banner and letter.banner + "\n\n", letter), *wrapped(letter.text, letter), *tail(letter)]
    if letter.below is None:
        return own
    if letter.client == "plain-bottom":
        return [attribution(letter), *quoted_lines(plain_lines(letter.below)), "", *own]
    return [*own, "", *quote_below(letter)]


def tail(letter: Letter) -> list[str]:
    """Closing, signature and footers."""
    lines: list[str] = []
    if letter.closing:
        lines += ["", *letter.closing.splitlines()]
    if letter.signature:
        lines += ["", *(["-- "] if letter.client in DASHED else []), *letter.signature.splitlines()]
    if letter.mobile:
        lines += ["", *letter.mobile.splitlines()]
    if letter.disclaimer:
        lines += ["", *wrapped(letter.disclaimer, letter)]
    return lines


def interleaved(letter: Letter) -> list[str]:
    lines = [*wrapped(letter.text, letter), ""] if letter.text else []
    lines.append(attribution(letter))
    for block in letter.blocks:
        lines += quoted_lines(wrap(block.quote, 70))
        if block.answer:
            lines += ["", *wrapped(block.answer, letter), ""]
    return lines[:-1] if lines[-1] == "" else lines


def quote_below(letter: Letter) -> list[str]:
    """What stands below, in the manner of the writer's mail program."""
    assert letter.below is not None
    inner = plain_lines(letter.below)
    if letter.forwards and letter.client in {"gmail", "apple"}:
        block = [f"{label} {value}" for label, value in header_fields(letter)]
        head = phrases.FORWARDED[letter.client][letter.ui]
        if letter.client == "gmail":
            return ["", head, *block, "", "", *inner]
        return [head, "", *quoted_lines([*block, "", *inner])]
    if letter.client in HEADER_BLOCK:
        rule = {"outlook": [""], "notes": ["-" * 5]}.get(letter.client, ["_" * 32])
        gap = "\t" if letter.client == "notes" else " "
        return [*rule, *(f"{label}{gap}{value}" for label, value in header_fields(letter)), "", *inner]
    if letter.client == "yahoo":
        return [f"    {attribution(letter)}  ", " ", *(f" {line}" for line in inner)]
    if letter.client in {"apple", "ios"}:
        return quoted_lines([attribution(letter), "", *inner])
    space = [""] if letter.client == "gmail" else []
    line = textwrap.wrap(attribution(letter), 76, break_long_words=False, break_on_hyphens=False)
    return [*line, *space, *quoted_lines(inner)]


def quoted_lines(lines: list[str]) -> list[str]:
    """With one more level of ">", which needs no blank in front of another one."""
    return [f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in lines]


def wrapped(text: str, letter: Letter) -> list[str]:
    """The lines of a text as the writer's program sends them."""
    return text.splitlines() if letter.client in UNWRAPPED else wrap(text, 72)


def wrap(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        lines += textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    return lines
