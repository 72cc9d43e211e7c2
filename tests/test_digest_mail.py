"""How the weekly mail is built: both forms, headers, links, languages."""

import email
import re
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import get_args

import pytest
from digest_material import (
    BERLIN,
    EDITION,
    EN,
    ENVELOPE,
    MONDAY,
    build_mail,
    busy_week,
    compose,
    full_week,
    gather,
    make_insight,
    make_topic,
)

from digest.frame import load_frame
from digest.mail import Envelope, build_digest_mail, build_notice
from digest.quotes import one_line
from digest.records import News
from digest.windows import WEEKDAYS
from harvester.config import Weekday
from harvester.errors import UsageError
from harvester.resources import data_folder


class Words(HTMLParser):
    """The visible text of a page, and every address it would load."""

    def __init__(self, page):
        super().__init__()
        self.words, self.loaded, self.links, self.tags = [], [], [], []
        self.hidden = 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "background", "srcset", "data") or (tag == "link" and name == "href"):
                self.loaded.append(value)
            if tag == "a" and name == "href":
                self.links.append(value)
        self.hidden += tag in ("style", "title", "head")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "title", "head")

    def handle_data(self, text):
        if not self.hidden:
            self.words.extend(text.split())


def test_the_mail_is_small_and_its_text_is_narrow():
    digest = compose(full_week(), edition=replace(EDITION, top=20))
    mail = build_mail(digest)
    assert len(mail.raw) <= 60_000
    assert max(len(line) for line in mail.text.splitlines() if "://" not in line) <= 72
    assert all(len(line) <= 998 for line in mail.raw.split(b"\r\n"))
    assert b"\n" not in mail.raw.replace(b"\r\n", b"")


def test_twenty_topics_with_long_names_stay_below_60_kb():
    long_name = (
        "Warum dauert die Übernahme unserer Altdaten aus dem Vorgängersystem so lange, obwohl der Anbieter es kennt?"
    )
    topics = [make_topic(n, f"{n} {long_name}") for n in range(1, 40)]
    insights = [
        make_insight(100 * n + k, f"c{n + k}.example", days_ago=k, topic=n, text=f"{n} {k} {long_name} {long_name}")
        for n in range(1, 40)
        for k in range(1, 6)
    ]
    mail = build_mail(compose(gather(topics, insights), edition=replace(EDITION, top=20)))
    assert len(mail.raw) <= 60_000


def test_html_and_text_say_the_same():
    mail = build_mail(compose(full_week()))

    def words(text):
        return {w for w in re.findall(r"[^\W_]+", text.casefold()) if not w.isdigit()}

    page = Words(mail.html)
    assert (
        words(mail.text.replace("https://", " "))
        - words(" ".join(page.words))
        - words(" ".join(page.links).replace("https://", " "))
        == set()
    )
    only_html = words(" ".join(page.words)) - words(mail.text)
    assert only_html <= words(
        "Open the topic Open the page Pause it companies in these 28 days in the 28 days before "
        + compose(full_week()).preheader
    )


def test_the_html_loads_nothing_and_has_no_script():
    page = Words(build_mail(compose(full_week())).html)
    assert page.loaded == []
    assert not {"img", "script", "link", "iframe", "form", "object", "svg", "video"} & set(page.tags)
    assert {link.partition(":")[0] for link in page.links} == {"https", "mailto"}
    assert "url(" not in build_mail(compose(full_week())).html


def test_without_a_base_url_there_are_no_links_to_pages():
    digest = compose(busy_week(), edition=replace(EDITION, base_url=""))
    assert [link for link in Words(build_mail(digest).html).links if not link.startswith("mailto:")] == []
    assert "https:" not in build_mail(digest).text


def test_every_style_that_matters_is_inline():
    html = build_mail(compose(full_week())).html
    bare = re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)
    assert bare.count("style=") > 50
    assert 'bgcolor="#ffffff"' in bare
    assert "<!--[if mso]>" in bare
    assert "prefers-color-scheme: dark" in html


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}{%raw%}\"'\r\nBcc: evil@evil.example\r\n\r\n"
    "=?utf-8?q?x=0D=0ABcc:evil=40evil.example?="
)


def test_hostile_words_are_shown_and_do_nothing():
    topics = [make_topic(1, HOSTILE, slug="x")]
    insights = [
        make_insight(1, "a.example", days_ago=1, text=HOSTILE + " and more"),
        make_insight(2, "b.example", days_ago=1, topic=None, text="other " + HOSTILE),
    ]
    mail = build_mail(compose(gather(topics, insights), edition=replace(EDITION, company="Acme " + HOSTILE)))
    page = Words(mail.html)
    assert not {"script", "img"} & set(page.tags)
    assert "{{7*7}}" in " ".join(page.words)
    assert "49" not in " ".join(page.words)


def test_headers_and_recipients_read_back_as_intended():
    digest = replace(compose(full_week()), subject=HOSTILE)
    envelope = replace(ENVELOPE, sender_name="Acme\r\nBcc: evil@evil.example <x@evil.example>, Ünï")
    mail = build_digest_mail(digest, EN, envelope, MONDAY)
    for rules in (policy.compat32, policy.default):
        found = email.message_from_bytes(mail.raw, policy=rules)
        assert sorted(found.keys()) == sorted(
            [
                "MIME-Version",
                "Content-Type",
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "List-Id",
                "List-Unsubscribe",
                "Auto-Submitted",
                "X-Answers-Harvester",
                "Content-Language",
            ]
        )
        assert [a for _, a in getaddresses([str(found["To"])])] == ["marketing@acme.example", "content@acme.example"]
        assert [a for _, a in getaddresses([str(found["From"])])] == ["answers@acme.example"]
    assert str(email.header.make_header(email.header.decode_header(email.message_from_bytes(mail.raw)["Subject"]))) == (
        one_line(HOSTILE)
    )
    assert mail.recipients == ("marketing@acme.example", "content@acme.example", "answers@acme.example")


def test_the_mail_names_itself_so_that_it_is_never_taken_for_a_source():
    found = email.message_from_bytes(build_mail(compose(full_week())).raw, policy=policy.default)
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["List-Id"] == "<marketing-digest.acme.example>"
    assert found["List-Unsubscribe"].startswith("<mailto:owner@acme.example?subject=")
    assert found["X-Answers-Harvester"] == "digest; week=2026-W47; audience=marketing"
    assert found["Date"].datetime == MONDAY
    assert "Precedence" not in found


def test_the_message_id_follows_from_week_and_audience():
    first = build_mail(compose(full_week()))
    again = build_digest_mail(compose(busy_week()), EN, ENVELOPE, MONDAY + timedelta(hours=3))
    other_week = build_mail(replace(compose(full_week()), week="2026-W48"))
    other_audience = build_mail(replace(compose(full_week()), audience="board"))
    assert first.message_id == again.message_id
    assert len({first.message_id, other_week.message_id, other_audience.message_id}) == 3
    assert re.fullmatch(r"<[!-~]+@acme\.example>", first.message_id)


def test_the_same_digest_is_the_same_bytes():
    assert build_mail(compose(full_week())).raw == build_mail(compose(full_week())).raw


def test_both_forms_are_utf8_and_decode():
    found = email.message_from_bytes(build_mail(compose(full_week())).raw, policy=policy.default)
    mail = build_mail(compose(full_week()))
    plain, html = found.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().replace("\r\n", "\n") == mail.text
    assert html.get_content().replace("\r\n", "\n") == mail.html


@pytest.mark.parametrize("language", sorted(p.stem for p in (data_folder() / "frame").glob("*.toml")))
def test_every_language_of_the_frame_has_every_text(language):
    def shape(table):
        return {key: shape(value) if isinstance(value, dict) else None for key, value in table.items()}

    def holes(table):
        texts = [v for section in table.values() if isinstance(section, dict) for v in section.values()]
        return sorted({hole for text in texts for hole in re.findall(r"{(\w+)}", text)})

    frame = load_frame(language)
    assert shape(frame.table) == shape(EN.table)
    assert holes(frame.table) == holes(EN.table)
    assert len(frame.table["months"]) == 12
    digest = compose(full_week(), frame=frame)
    mail = build_mail(digest, frame)
    assert f'<html lang="{language}"' in mail.html
    assert "{" not in mail.text


def test_a_language_that_does_not_exist_is_a_sentence():
    with pytest.raises(UsageError, match="de, en"):
        load_frame("../en")


def test_quotes_in_another_language_say_so():
    text = build_mail(compose(busy_week())).text
    assert "(German)" in text
    assert "(English)" not in text


def test_a_first_digest_does_not_say_this_week():
    text = build_mail(compose(busy_week(), News(None, MONDAY))).text
    assert "NEW SINCE 20 OCT" in text
    assert "NEW THIS WEEK" not in text


def test_a_notice_is_a_plain_mail_to_the_owner():
    envelope = Envelope("answers@acme.example", "Acme answers", ("owner@acme.example",))
    notice = build_notice("poll fails\r\nBcc: x@evil.example", ["One\nsentence."], envelope, "job:poll", MONDAY)
    found = email.message_from_bytes(notice.raw, policy=policy.default)
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Bcc"] is None
    assert found.get_content_type() == "text/plain"
    assert notice.recipients == ("owner@acme.example",)


def test_weekdays_are_those_of_the_settings():
    assert get_args(Weekday) == WEEKDAYS
    assert str(BERLIN) == "Europe/Berlin"
