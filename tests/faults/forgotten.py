"""Mails of, to and about somebody who is to be forgotten, in every form that mails take; the search for what is left.

Petra asked the company Marrowby; Dana, of another company, reads what colleagues tell about Petra.
"""

import base64
import quopri
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

ADDRESS, DOMAIN, NAME = "petra@quillfeather.example", "quillfeather.example", "Petra Lindqvist-Okafor"
# Words that nobody else uses, each in another mail or encoding.
CANARIES = ("zephyrwick", "marrowstone", "quenchbarrow", "oxlipforge", "tanglefen", "brimhollow")
MESSAGE_ID = "<first-of-many@mail.quillfeather.example>"
ONE_MAIL = "<answer-three@marrowby.example>"
ONE_CANARY = "quenchbarrow"
LOOK_ALIKES = ("li@quillfeatherly.example", "jo@quillfeather-labs.example")
DANA = "dana@oxbowmills.example"
STAYS = "Does the warranty cover the spindle bearings for five years as well?"
QUESTIONS = {
    "zephyrwick": "Can your zephyrwick adapter read the hall sensors that we bought two years ago?",
    "marrowstone": "What does a marrowstone licence cost when thirty of our people share it every day?",
    "quenchbarrow": "How many weeks does the quenchbarrow migration take if we start in January?",
    "oxlipforge": "We lose two days a month on the oxlipforge reports that nobody can export.",
    "tanglefen": "Do you have a reference from another tanglefen operator of our size?",
    "brimhollow": "Is there a brimhollow interface to SAP, or do we have to type everything twice?",
}


def attributed(question: str, author: str = f"{NAME} <{ADDRESS}>") -> str:
    lines = "\n".join(f"> {line}" for line in question.split("\n"))
    return f"On Mon, 2 Nov 2026 at 09:00, {author} wrote:\n{lines}\n"


def mail(number: str, to: str, body: str, subject: str, *, references: str = "", sender: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender or "Ana Ruiz <ana@marrowby.example>"
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = "Tue, 03 Nov 2026 10:00:00 +0100"
    message["Message-ID"] = f"<answer-{number}@marrowby.example>"
    if references:
        message["In-Reply-To"] = references
        message["References"] = references
    message.set_content(body)
    return message


def make_mails() -> list[bytes]:
    """Mails with Petra come first; then those about her to others; then those that have nothing to do with her."""
    petra = f"{NAME} <{ADDRESS}>"
    own = "Yes, it does; the sheet is attached. Best regards, Ana\n\n"
    plain = mail(
        "one", petra, own + attributed(QUESTIONS["zephyrwick"]), "Re: zephyrwick sensors", references=MESSAGE_ID
    )
    as_html = mail("two", petra, "see the other part", "Re: licences", references=MESSAGE_ID)
    as_html.add_alternative(
        f"<p>Ninety euros a month.</p><blockquote><p>Von: {NAME} &lt;{ADDRESS}&gt;</p>"
        f"<p>{QUESTIONS['marrowstone']}</p></blockquote>",
        subtype="html",
        cte="quoted-printable",
    )
    in_base64 = mail("three", petra, "x", "Re: =?utf-8?q?Zeitplan?=")
    in_base64.set_content(
        "Sechs Wochen ab Auftrag, Grüße Ana\n\n" + attributed(QUESTIONS["quenchbarrow"]), cte="base64"
    )
    copied = mail("four", DANA, "Dear both, " + own + attributed(QUESTIONS["oxlipforge"]), "Re: reports")
    copied["Cc"] = petra
    quarantined = mail("five", "answers@marrowby.example", QUESTIONS["tanglefen"] + "\n", "A question", sender=petra)

    told = "We build the same for others: "
    forwarded = mail(
        "six",
        DANA,
        "Hello Dana, five years, as for all. See also what we answered lately.\n\n"
        + attributed(STAYS, f"Dana Mills <{DANA}>")
        + "\n---------- Forwarded message ---------\n"
        + f"From: {NAME} <{ADDRESS}>\nDate: Mon, 2 Nov 2026 at 09:00\nSubject: sensors\n"
        + "To: Ana <ana@marrowby.example>\n\n"
        + f"{QUESTIONS['brimhollow']}\n",
        "Re: warranty",
    )
    named = mail(
        "seven",
        DANA,
        f"{told}{NAME} saves nine hours a week with it.\n\n" + attributed("Who else uses it in a bakery?", DANA),
        "Re: references",
    )
    repeated = mail(
        "eight",
        DANA,
        "Another customer wrote to us: “"
        + QUESTIONS["marrowstone"].replace("when ", "when\n")
        + "” It is ninety euros.\n\n"
        + attributed("Do you offer a discount to a mill with forty seats?", f"Dana Mills <{DANA}>"),
        "Re: discount",
    )
    linked = mail(
        "nine",
        DANA,
        f"Unsubscribe at https://news.example/out?who={ADDRESS.replace('@', '%40')} any time.\n\n"
        + attributed("When is the next training in Leeds held?", f"Dana Mills <{DANA}>"),
        "Re: training",
    )
    wrapped = mail("ten", DANA, "See the mail below, please.\n", "Fwd: sensors")
    wrapped.add_attachment(plain)
    others = [
        mail(
            f"other-{number}",
            address,
            own + attributed(question, f"Somebody Else <{address}>"),
            f"Re: {number}",
        )
        for number, (address, question) in enumerate(
            (
                (LOOK_ALIKES[0], "Where are our data stored, and who at your company can read them?"),
                (LOOK_ALIKES[1], "What does a seat cost when we take more than two hundred of them?"),
                ("kim@harrowgate.example", "What would two hundred seats cost us in the first year?"),
                ("ole@fjordbryg.example", "In which country do you store the data of your customers?"),
            )
        )
    ]
    messages = (plain, as_html, in_base64, copied, quarantined, forwarded, named, repeated, linked, wrapped, *others)
    return [message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for message in messages]


# ---------------------------------------------------------------- searching
def forms_of(needle: str) -> Iterator[bytes]:
    """How a text may stand in bytes: as it is, lower case, UTF-16, base64 at any alignment, hexadecimal."""
    for text in {needle, needle.lower(), needle.upper()}:
        raw = text.encode()
        yield from (
            raw,
            text.encode("utf-16-le"),
            text.encode("utf-16-be"),
            raw.hex().encode(),
            quopri.encodestring(raw),
        )
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
            yield encoded[(shift * 8 + 5) // 6 + (shift > 0) : -1]


def search(folder: Path, needles: tuple[str, ...], leave_out: tuple[str, ...] = ("answers.toml",)) -> dict[str, int]:
    """File -> how often one of the needles stands in it, in any form, also over the line breaks of an encoding."""
    patterns = [re.compile(re.escape(form), re.IGNORECASE) for needle in needles for form in set(forms_of(needle))]
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in leave_out):
        raw = path.read_bytes()
        joined = re.sub(rb"\r?\n", b"", raw)
        soft = re.sub(rb"=\r?\n", b"", raw)
        count = sum(len(pattern.findall(form)) for form in (raw, joined, soft) for pattern in patterns)
        if count:
            found[str(path.relative_to(folder))] = count
        if any(needle.lower() in str(path.relative_to(folder)).lower() for needle in needles):
            found[f"name of {path.name}"] = 1
    if (folder / "answers.db").exists():
        found |= search_tables(folder / "answers.db", needles)
    return found


def search_tables(path: Path, needles: tuple[str, ...]) -> dict[str, int]:
    """The same over every cell, which pages of the file may split, and over the words of the index."""
    found: dict[str, int] = {}
    lowered = [needle.lower() for needle in needles]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create virtual table temp.words using fts5vocab('main', 'insights_search', 'row')")
        words = {word for needle in lowered for word in re.split(r"\W+", needle)}
        words = {word for word in words if len(word) > 7 and word not in ("example", "marrowby")}
        for (word,) in connection.execute("select term from temp.words"):
            if word in words:
                found[f"index: {word}"] = 1
        tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            if table.startswith("insights_search"):
                continue
            cursor = connection.execute(f"select * from {table}")
            for row in cursor:
                for (column, *_), value in zip(cursor.description, row, strict=True):
                    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    if any(needle in text.lower() for needle in lowered):
                        found[f"table {table}.{column}"] = found.get(f"table {table}.{column}", 0) + 1
    return found
