"""What the splitter promises beyond single mails: no word lost, none twice, never a crash."""

import re
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvester.mime import parse_mail
from harvester.records import Address, Link, Mail, Part, Role
from harvester.splitting import own_links, split_mail

INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
PIECES = (
    "Hello Li,",
    "thanks, see below.",
    "",
    "",
    "On Mon, 2 Nov 2026 at 09:14, Li Chen <li@globex.example> wrote:",
    "On Mon, 2 Nov 2026 at 09:14, Li Chen",
    "<li@globex.example> wrote:",
    "> Do you ship to Norway?",
    "> > we do",
    ">>> older still",
    "-----Original Message-----",
    "---------- Forwarded message ---------",
    "From: Li Chen <li@globex.example>",
    "Sent: Monday, 2 November 2026 09:14",
    "To: Rona Reyes <rona@acme.example>",
    "Subject: shipping",
    "________________________________",
    "-- ",
    "Best regards,",
    "Rona",
    "Rona Reyes | Acme | +49 89 1234567",
    "Sent from my iPhone",
    "P.S. The catalogue is attached.",
    "This e-mail is confidential. If you are not the intended recipient, delete it.",
    "CAUTION: This email originated from outside of the organization.",
    "Am 02.11.2026 um 09:14 schrieb Li Chen:",
    "Von: Li Chen <li@globex.example>",
    "```",
    "> 500 pieces cost less",
    "Does it work with SAP?",
    "wrote:",
    "From:",
    "RR> quoted with initials",
    "##- Please type your reply above this line -##",
)
TAGS = (
    "<div>", "</div>", "<p>", "</p>", "<blockquote>", "</blockquote>", "<blockquote type='cite'>", "<br>", "<hr>",
    "<div class='gmail_quote'>", "<div id='divRplyFwdMsg'>", "<div class='gmail_signature'>",
    "<span style='color:red'>", "</span>", "<table><tr><td>", "</td></tr></table>", "<ul><li>", "</ul>", "<b>", "</b>",
    "&nbsp;", "&amp;", "<!-- x -->",
)  # fmt: skip


def multipart(kind: str, inner_kind: str, inner: str) -> bytes:
    head = f"From: rona@acme.example\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n"
    return f"{head}--b\r\nContent-Type: {inner_kind}\r\n\r\n{inner}--b--\r\n".encode()


def mail_of(text: str | None = None, html: str | None = None, subject: str = "Re: shipping") -> Mail:
    return Mail(
        None, (), (), subject, Address("Rona Reyes", "rona@acme.example"), (), (), (), None, (), text=text, html=html
    )


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))


def all_words(parts: Sequence[Part]) -> list[str]:
    return [word for part in parts for word in words_of(part.text)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from(["Re: a", "Fwd: a", "a", "VS: a"]))
def test_every_word_of_a_mail_like_body_is_in_exactly_one_part_in_order(lines: list[str], subject: str) -> None:
    body = "\n".join(lines)
    assert all_words(split_mail(mail_of(body, subject=subject))) == words_of(body)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cf"]) | st.just("\n"), max_size=400))
def test_every_word_of_any_text_is_in_exactly_one_part(body: str) -> None:
    assert all_words(split_mail(mail_of(body))) == words_of(body)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(TAGS) | st.sampled_from([p for p in PIECES if "<" not in p]), max_size=40))
def test_every_visible_word_of_html_is_in_exactly_one_part_in_order(pieces: list[str]) -> None:
    html = " ".join(pieces)
    visible = re.sub(r"<[^<>]*>", " ", html).replace("&nbsp;", " ").replace("&amp;", "&")
    got = all_words(split_mail(mail_of(html=f"<html><body>{html}</body></html>")))
    assert sorted(got) == sorted(words_of(visible.replace("> 500", "500")))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_crash_the_splitter(raw: bytes) -> None:
    text = raw.decode("latin-1")
    split_mail(mail_of(text))
    split_mail(mail_of(html=text))


def test_an_empty_mail_has_no_parts() -> None:
    assert split_mail(mail_of("")) == ()
    assert split_mail(mail_of(None)) == ()


def test_inline_answers_are_paired_with_the_question_above() -> None:
    body = (
        "On Mon, 2 Nov 2026 at 09:14, Li Chen <li@globex.example> wrote:\n"
        "> Do you ship to Norway?\n\nYes, weekly.\n\n> And to Chile?\n\nNot yet.\n"
    )
    parts = split_mail(mail_of(body))
    answers = [(part.text, parts[part.answers].text) for part in parts if part.role is Role.OWN and part.answers]
    assert answers == [("Yes, weekly.", "Do you ship to Norway?"), ("Not yet.", "And to Chile?")]
    assert {part.author for part in parts if part.role is Role.QUOTED} == {"li@globex.example"}


def test_text_above_a_quote_answers_the_quote() -> None:
    parts = split_mail(mail_of("Yes.\n\nOn Mon, 2 Nov 2026, Li Chen <li@globex.example> wrote:\n> Norway?\n"))
    own = next(part for part in parts if part.role is Role.OWN)
    assert own.answers is not None and parts[own.answers].text == "Norway?"


def test_an_attached_mail_is_forwarded_by_its_author() -> None:
    inner = Mail(
        None,
        (),
        (),
        "Norway",
        Address("Li Chen", "li@globex.example"),
        (),
        (),
        (),
        None,
        (),
        text="Do you ship?",
        html=None,
    )
    outer = Mail(
        None, (), (), "FW: Norway", Address("Rona", "rona@acme.example"), (), (), (), None, (), text="fyi", html=None,
        attached=(inner,),
    )  # fmt: skip
    forwarded = [part for part in split_mail(outer) if part.role is Role.FORWARDED]
    assert [(part.text, part.author, part.author_name) for part in forwarded] == [
        ("Do you ship?", "li@globex.example", "Li Chen")
    ]


def test_the_header_of_an_attached_mail_is_a_notice_above_its_text() -> None:
    inner = "From: Li Chen <li@globex.example>\r\nSubject: Norway and Sweden\r\n\r\nDo you ship?\r\n"
    parts = split_mail(parse_mail(multipart("mixed", "message/rfc822", inner)))
    assert [(part.role, part.label, part.depth, part.text) for part in parts] == [
        (Role.NOTICE, "attribution", 0, "From: Li Chen <li@globex.example>\nSubject: Norway and Sweden"),
        (Role.FORWARDED, "", 1, "Do you ship?"),
    ]


@pytest.mark.parametrize("kind", ["delivery-status", "disposition-notification", "feedback-report"])
def test_the_fields_of_a_report_are_a_notice(kind: str) -> None:
    fields = "Reporting-MTA: dns; mx.globex.example\r\n\r\nFinal-Recipient: rfc822; li@globex.example\r\n"
    (part,) = split_mail(parse_mail(multipart("report", f"message/{kind}", fields)))
    assert (part.role, part.label) == (Role.NOTICE, "report")
    assert part.text.split() == fields.split()


def test_a_page_of_pictures_is_read_by_what_stands_in_their_place() -> None:
    page = "<title>Spring fair</title><img src=a alt='Come and see us'><img src=b alt=''><img src=c alt='Hall 3'>"
    (part,) = split_mail(mail_of(html=page))
    assert (part.role, part.label, part.text) == (Role.NOTICE, "image", "Spring fair\nCome and see us\nHall 3")
    assert [part.text for part in split_mail(mail_of(html=page + "<p>See you there.</p>"))] == ["See you there."]


def test_only_the_chosen_option_of_a_form_is_read() -> None:
    page = "<p>Seats <select><option>1</option><option selected>25</option><option>50</option></select> a month</p>"
    assert [part.text for part in split_mail(mail_of(html=page))] == ["Seats 25 a month"]


def test_links_come_from_the_own_text_only() -> None:
    html = (
        '<p>Prices are <a href="https://acme.example/prices">on our page</a>, see also https://acme.example/faq.</p>'
        '<div class="gmail_quote">On Mon, 2 Nov 2026, Li &lt;li@globex.example&gt; wrote:<blockquote>'
        '<a href="https://globex.example/">ours</a></blockquote></div>'
    )
    mail = mail_of(html=html)
    assert own_links(mail, split_mail(mail)) == (
        Link("https://acme.example/prices", "on our page"),
        Link("https://acme.example/faq", ""),
    )


@pytest.mark.parametrize("hidden", ["display:none", "font-size:0px", "mso-hide:all", "max-height:0;overflow:hidden"])
def test_hidden_preheaders_are_not_read(hidden: str) -> None:
    parts = split_mail(mail_of(html=f"<div style='{hidden}'>Preview text</div><p>Hello Li,</p><p>yes.</p>"))
    assert "Preview" not in " ".join(part.text for part in parts)
    assert "Hello Li," in parts[0].text
