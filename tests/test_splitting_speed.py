"""Hostile bodies of a megabyte take a second of processor time at most, and a quarter of them about a quarter of it."""

import gc
import time
from collections.abc import Callable

import pytest

from harvester.records import Address, Mail
from harvester.splitting import split_mail

MEGABYTE = 1_000_000
SECONDS = 1.0
# Below this a measurement says more about the machine than about us.
NOISE_SECONDS = 0.25
# Four times the text takes four times as long where the work is linear, sixteen times where it is quadratic.
MOST_GROWTH = 8.0
TRIES = 4
HEADER_BLOCK = "From: a@b.example\nSent: 2 Nov 2026 09:14\nTo: c@d.example\nSubject: x\n\n"
TEXTS = {
    "one long line": "word ",
    "one word": "a",
    "On On On": "On ",
    "lines of On": "On\n",
    "verbs": "wrote:\n",
    "attributions": "On Mon, 5 Jan 2026 at 10:00 Li <li@b.example> wrote:\n",
    "cut attributions": "On Mon, 5 Jan 2026 at 10:00\nLi <li@b.example>\n",
    "quote marks": ">",
    "spaced quote marks": "> ",
    "deep quotes": ">" * 200 + " q?\n",
    "alternating quotes": "> a\nb\n",
    "short lines": "a\n",
    "empty lines": "\r\n",
    "header blocks": HEADER_BLOCK,
    "endless recipients": "To: c@d.example,\n",
    "labels": "From: a@b.example\n",
    "colons": ":",
    "at signs": "a@",
    "addresses": "a@b.example ",
    "rules": "-----\n",
    "dashes": "-",
    "separators": "-----Original Message-----\n",
    "dates": "12:30 1/2/2026:\n",
    "phones": "+49 170 1234567\n",
    "phones in one line": "+49 170 ",
    "sign-offs": "Best regards,\nBob\n\n",
    "footers": "Sent from my iPhone\n",
    "legal text": "if you are not the intended recipient\n",
    "legal line": "if you are not the intended recipient ",
    "names": "Rona Reyes\n",
    "titles": "Aa " * 13 + "\n",
    "postscripts": "P.S. x\n",
    "images": "[image:",
    "addresses on the net": "http://a.example/ ",
    "chinese verbs": "写道：\n",
    "invisible": "\u200b",
    "brackets": "(",
    "angles": "<",
    "fences": "```\n",
    "comparisons": "> 500 pieces\n",
}
PAGES = {
    "divs": "<div>",
    "blockquotes": "<blockquote>x",
    "gmail quotes": "<div class='gmail_quote'>On 5 Jan 2026 Li &lt;li@b.example&gt; wrote:<blockquote>x",
    "tables": "<table><tr><td>x",
    "lists": "<ul><li>x",
    "inline": "<b><i><u>x",
    "links": "<a href=x>x",
    "fonts": "<p><font color=red>x",
    "angles": "<",
    "comments": "<!--",
    "entities": "&#x41;",
    "breaks": "a<br>",
    "paragraphs": "<p>x</p>",
    "spans": "<span style='color:red'>x</span>",
    "attributes": "<a " + "x=1 " * 50,
    "long classes": "<div class='" + "a " * 100 + "'>",
    "unclosed attribute": "<a href='",
    "addresses as tags": "<a@b.example>",
    "closing tags": "</div>",
    "forms": "<select><option>x</option></select>",
    "options": "<option>x</option>",
    "pictures": "<img alt='x'>",
    "nested pictures": "<div><img alt='x y'>",
    "titles": "<title>x",
}  # fmt: skip


def _fill(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def _seconds(make: Callable[[str], Mail], body: str, tries: int) -> float:
    best = float("inf")
    for _ in range(tries):
        mail = make(body)
        gc.collect()
        # What other tests left in memory is no part of the work.
        gc.freeze()
        started = time.process_time()
        try:
            split_mail(mail)
        finally:
            best = min(best, time.process_time() - started)
            gc.unfreeze()
        if best < NOISE_SECONDS:
            break
    return best


def _text_mail(body: str) -> Mail:
    sender = Address("Rona Reyes", "rona@acme.example")
    return Mail(None, (), (), "Re: x", sender, (), (), (), None, (), text=body, html=None)


def _html_mail(body: str) -> Mail:
    sender = Address("Rona Reyes", "rona@acme.example")
    return Mail(None, (), (), "Re: x", sender, (), (), (), None, (), text=None, html=body)


def _assert_linear(make: Callable[[str], Mail], piece: str) -> None:
    whole = _seconds(make, _fill(piece, MEGABYTE), TRIES)
    assert whole <= SECONDS
    if whole > NOISE_SECONDS:
        quarter = _seconds(make, _fill(piece, MEGABYTE // 4), 1)
        assert whole <= MOST_GROWTH * max(quarter, NOISE_SECONDS / 4)


@pytest.mark.parametrize("piece", TEXTS.values(), ids=TEXTS.keys())
def test_a_hostile_text_is_split_in_linear_time(piece: str) -> None:
    _assert_linear(_text_mail, piece)


@pytest.mark.parametrize("piece", PAGES.values(), ids=PAGES.keys())
def test_a_hostile_page_is_split_in_linear_time(piece: str) -> None:
    _assert_linear(_html_mail, piece)
