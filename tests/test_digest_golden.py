"""What goes out, compared whole: `ANSWERS_WRITE_GOLDEN=1 pytest tests/test_digest_golden.py` writes the files anew."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from digest_material import BERLIN, EDITION, MONDAY, NO_REDACTION, every_block, young_mailbox

from digest.compose import compose_digest
from digest.executive import compose_note
from digest.frame import load_frame
from digest.mail import Envelope, build_digest_mail, build_note_mail
from digest.records import News

GOLDEN = Path(__file__).with_name("golden")
WEEK = News(MONDAY - timedelta(days=7), MONDAY)
ENVELOPE = Envelope("answers@acme.example", "Acme answers", ("marketing@acme.example",), "", "owner@acme.example")
WEB = "https://answers.acme.example/digests/2026-W47/"


def weekly(language):
    frame = load_frame(language)
    digest = compose_digest(every_block(), WEEK, replace(EDITION, top=4), NO_REDACTION, frame)
    return build_digest_mail(replace(digest, web_url=WEB), frame, ENVELOPE, MONDAY)


def young(language):
    frame = load_frame(language)
    digest = compose_digest(young_mailbox(), News(None, MONDAY), EDITION, NO_REDACTION, frame)
    return build_digest_mail(digest, frame, ENVELOPE, MONDAY)


def monthly(language):
    frame = load_frame(language)
    edition = replace(EDITION, audience="executive")
    note = compose_note(every_block(), "2026-M10", News(None, MONDAY), edition, NO_REDACTION, frame)
    return build_note_mail(replace(note, web_url=WEB), frame, ENVELOPE, MONDAY)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(("kind", "make"), [("digest", weekly), ("young", young), ("executive", monthly)])
def test_text_and_html_are_what_was_looked_at_and_found_good(kind, make, language):
    mail = make(language)
    for ending, form in (("txt", mail.text), ("html", mail.html)):
        path = GOLDEN / f"{kind}-{language}.{ending}"
        if os.environ.get("ANSWERS_WRITE_GOLDEN"):
            path.write_text(form, encoding="utf-8")
        assert form == path.read_text(encoding="utf-8"), f"{path.name} differs"


def test_the_golden_digest_holds_every_block_in_the_order_of_the_product():
    text = (GOLDEN / "digest-en.txt").read_text(encoding="utf-8")
    headings = (
        "WRITE THIS NEXT",
        "TOP TOPICS",
        "NEW THIS WEEK",
        "WE HAVE A PAGE, STILL ASKED",
        "WHAT HAPPENED TO YOUR TOPICS",
        "YOUR DECISION",
        "THREE NUMBERS",
    )
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)
    assert str(BERLIN) in text
