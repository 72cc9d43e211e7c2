"""Unwraps Microsoft journal reports: the envelope is a report, the mail that we want is attached to it."""

from dataclasses import replace

from harvester.records import Mail

MARK = "x-ms-journal-report"
# Written by us alone: `parse_mail` drops fields of these names that a sender wrote.
SENDER = "x-answers-journal-sender"
RECIPIENT = "x-answers-journal-recipient"
OUTER_FROM = "x-answers-journal-from"
OUTER_RECEIVED = "x-answers-journal-received"
OUTER_AUTHENTICATION = "x-answers-journal-authentication-results"

RECIPIENT_LABELS = ("recipient", "to", "cc", "bcc", "on-behalf-of")


def unwrap_journal(mail: Mail) -> Mail:
    """The enclosed mail with the envelope's sender and recipients as headers; any other mail as it is."""
    if mail.header(MARK) is None or not mail.attached:
        return mail
    enclosed = mail.attached[0]
    is_clear = len(mail.header_values("from")) == 1
    outer_from = mail.sender.address if mail.sender and is_clear else ""
    kept = {"received": OUTER_RECEIVED, "authentication-results": OUTER_AUTHENTICATION}
    outer = ((OUTER_FROM, outer_from), *((kept[name], value) for name, value in mail.headers if name in kept))
    return replace(
        enclosed,
        headers=(*outer, *_envelope(mail.text or ""), *enclosed.headers),
        notes=(*mail.notes, *enclosed.notes, "taken out of a journal report"),
    )


def _envelope(report: str) -> tuple[tuple[str, str], ...]:
    """Lines like "Sender: ana@acme.example" and "Bcc: a@acme.example, Expanded: team@acme.example"."""
    found: list[tuple[str, str]] = []
    for line in report.split("\n")[:2_000]:
        label, colon, value = line.partition(":")
        address = value.split(",", 1)[0].strip().strip("<>").lower()
        if not colon or "@" not in address or " " in address:
            continue
        if label.strip().lower() == "sender":
            found.append((SENDER, address))
        elif label.strip().lower() in RECIPIENT_LABELS:
            found.append((RECIPIENT, address))
    return tuple(found)
