"""Reads the sources of the sample mailbox and refuses what does not fit together. Writes nothing."""

import hashlib
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parent
CLIENTS = {
    "gmail",
    "outlook",
    "outlook-mobile",
    "owa",
    "apple",
    "ios",
    "thunderbird",
    "yahoo",
    "notes",
    "plain",
    "plain-bottom",
    "inline",
}
KINDS = {"question", "pain", "need"}
LANGUAGES = {"en", "de", "fr", "nl", "es"}


class SourceError(ValueError):
    """A source file of the sample mailbox contradicts itself; the message names the file and the mail."""


@dataclass(frozen=True)
class Person:
    """Somebody who writes. ui: language of his mail program; client: its kind."""

    name: str
    address: str
    signature: str
    ui: str = ""
    client: str = ""
    signatures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Insight:
    """What the mail's truth says a prospect expressed."""

    text: str
    kind: str
    topic: str
    category: str
    stage: str
    inferred: bool = False
    reported: bool = False


@dataclass(frozen=True)
class Block:
    """A stretch of an inline answer: the quoted lines and what stands below them."""

    quote: str
    answer: str


@dataclass(frozen=True)
class Item:
    """One mail of the sample as its source describes it. asked_by is None where nothing is quoted."""

    id: str
    file: Path
    company: str
    kind: str
    rep: Person | None
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    asked_by: Person | None
    thread: str
    sent_at: datetime
    asked_at: datetime
    subject: str
    lang: str
    client: str
    ui: str
    body: str
    charset: str
    cte: str
    question: str
    question_closing: str
    question_signature: str
    answer: str
    closing: str
    signature: str
    banner: str
    mobile: str
    disclaimer: str
    attachments: tuple[str, ...]
    history: str
    duplicate_of: str
    blocks: tuple[Block, ...]
    insights: tuple[Insight, ...]
    not_insights: tuple[str, ...]
    optional: tuple[str, ...]
    raw: dict[str, Any]

    @property
    def scored_only(self) -> bool:
        """A third of the genuine mails is kept for scoring and not looked at while rules are written."""
        return self.kind != "raw" and hashlib.sha256(self.id.encode()).digest()[0] % 3 == 0


@dataclass(frozen=True)
class Sources:
    """The whole sample: the seller, the topics and the mails in the order of sending."""

    company: dict[str, Any]
    topics: dict[str, dict[str, Any]]
    items: tuple[Item, ...]

    def item(self, identifier: str) -> Item:
        """The mail of that id."""
        return next(item for item in self.items if item.id == identifier)


def read_sources(folder: Path = SOURCES) -> Sources:
    """Read company.toml, topics.toml and threads/*.toml; raises SourceError at the first contradiction."""
    company = tomllib.loads((folder / "company.toml").read_text(encoding="utf-8"))
    topics = tomllib.loads((folder / "topics.toml").read_text(encoding="utf-8"))
    items: list[Item] = []
    for file in sorted((folder / "threads").glob("*.toml")):
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SourceError(f"{file.name}: {error}") from error
        people = {key: Person(**{"signature": "", **fields}) for key, fields in data.get("people", {}).items()}
        items.extend(read_item(mail, data, people, company, topics, file) for mail in data["mail"])
    sources = Sources(company, topics, tuple(sorted(items, key=lambda item: (item.sent_at, item.id))))
    check_links(sources)
    return sources


def read_item(
    mail: dict[str, Any],
    data: dict[str, Any],
    people: dict[str, Person],
    company: dict[str, Any],
    topics: dict[str, dict[str, Any]],
    file: Path,
) -> Item:
    """Turn one [[mail]] table into an Item and check it."""
    where = f"{file.name}, {mail.get('id', '?')}"
    try:
        item = build_item(mail, data, people, company, topics, file)
    except (KeyError, ValueError, TypeError) as error:
        raise SourceError(f"{where}: {type(error).__name__} {error}") from error
    check_item(item, where, company)
    return item


def build_item(
    mail: dict[str, Any],
    data: dict[str, Any],
    people: dict[str, Person],
    company: dict[str, Any],
    topics: dict[str, dict[str, Any]],
    file: Path,
) -> Item:
    kind = mail.get("kind", "answer")
    lang = mail.get("lang", "en")
    rep = read_rep(company["reps"][mail["rep"]]) if "rep" in mail else None
    to = tuple(people[key] for key in mail.get("to", []))
    asked_by = people[mail["asked_by"]] if "asked_by" in mail else (to[0] if to else None)
    client = mail.get("client", "gmail")
    blocks = tuple(Block(strip(block["quote"]), strip(block["answer"])) for block in mail.get("block", []))
    question = strip(mail.get("question", "")) or "\n\n".join(block.quote for block in blocks)
    sent_at = datetime.fromisoformat(mail["sent_at"])
    signed = asked_by is not None and mail.get("question_signature", True)
    return Item(
        id=mail["id"],
        file=file,
        company=mail.get("company", data.get("company", "")),
        kind=kind,
        rep=rep,
        to=to,
        cc=tuple(people[key] for key in mail.get("cc", [])),
        asked_by=asked_by if question else None,
        thread=mail.get("thread", mail["id"]),
        sent_at=sent_at,
        asked_at=datetime.fromisoformat(mail.get("asked_at", mail["sent_at"])),
        subject=mail.get("subject", ""),
        lang=lang,
        client=client,
        ui=mail.get("ui", rep.ui if rep else "en"),
        body=mail.get("body", "plain" if client.startswith("plain") or kind == "note" else "alternative"),
        charset=mail.get("charset", "utf-8"),
        cte=mail.get("cte", "quoted-printable"),
        question=question,
        question_closing=strip(mail.get("question_closing", "")),
        question_signature=strip(asked_by.signature) if signed and asked_by else "",
        answer=strip(mail.get("answer", mail.get("opening", ""))),
        closing=strip(mail.get("closing", "")),
        signature=rep.signatures.get(lang, rep.signature) if rep and mail.get("signature", True) else "",
        banner=mail.get("banner", ""),
        mobile=mail.get("mobile", ""),
        disclaimer=company["reps"][mail["rep"]].get("disclaimer", "") if mail.get("disclaimer") else "",
        attachments=tuple(mail.get("attachments", [])),
        history=mail.get("history", ""),
        duplicate_of=mail.get("duplicate_of", ""),
        blocks=blocks,
        insights=tuple(read_insight(entry, topics) for entry in mail.get("insight", [])),
        not_insights=tuple(mail.get("not_insights", [])),
        optional=tuple(mail.get("optional", [])),
        raw=mail if kind == "raw" else {},
    )


def read_rep(fields: dict[str, Any]) -> Person:
    signatures = {key.removeprefix("signature_"): strip(text) for key, text in fields.items() if "signature_" in key}
    return Person(fields["name"], fields["address"], strip(fields["signature"]), fields["ui"], "", signatures)


def read_insight(entry: dict[str, Any], topics: dict[str, dict[str, Any]]) -> Insight:
    topic = topics[entry["topic"]]
    if entry["kind"] not in KINDS:
        raise ValueError(f"no such kind: {entry['kind']}")
    return Insight(
        text=strip(entry["text"]),
        kind=entry["kind"],
        topic=entry["topic"],
        category=entry.get("category", topic["category"]),
        stage=entry.get("stage", topic["stage"]),
        inferred=entry.get("inferred", False),
        reported=entry.get("reported", False),
    )


def strip(text: str) -> str:
    """Without empty lines around and without blanks at line ends."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def check_item(item: Item, where: str, company: dict[str, Any]) -> None:
    """Raise SourceError where a mail contradicts itself."""
    if item.client not in CLIENTS or item.lang not in LANGUAGES:
        raise SourceError(f"{where}: unknown client {item.client!r} or language {item.lang!r}")
    if not company["first_day"] <= item.sent_at.date() <= company["last_day"]:
        raise SourceError(f"{where}: sent outside the twelve weeks")
    if item.asked_at > item.sent_at:
        raise SourceError(f"{where}: answered before it was asked")
    if item.kind == "raw":
        return
    if not item.id.startswith("m-"):
        raise SourceError(f"{where}: ids of genuine mails start with m-")
    said = item.question if item.asked_by else item.answer
    for insight in item.insights:
        if insight.text not in (item.answer if insight.inferred or insight.reported else said):
            raise SourceError(f"{where}: not in the text: {insight.text!r}")
    everything = "\n".join([item.question, item.answer, *(block.answer for block in item.blocks)])
    for sentence in (*item.not_insights, *item.optional):
        if sentence not in everything:
            raise SourceError(f"{where}: not in the text: {sentence!r}")
    for block in item.blocks:
        if block.quote not in item.question:
            raise SourceError(f"{where}: not quoted from the question: {block.quote!r}")


def check_links(sources: Sources) -> None:
    """Raise SourceError when an id is used twice or a history points nowhere or forward in time."""
    by_id: dict[str, Item] = {}
    for item in sources.items:
        if item.id in by_id:
            raise SourceError(f"{item.file.name}, {item.id}: id used twice")
        for link in filter(None, (item.history, item.duplicate_of)):
            if link not in by_id:
                raise SourceError(f"{item.file.name}, {item.id}: no earlier mail {link}")
        by_id[item.id] = item
