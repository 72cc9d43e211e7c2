"""What the weekly mail says and how it is built."""

import email
import re
import time
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
    MONDAY,
    NO_REDACTION,
    SUBJECTS,
    busy_week,
    gather,
    make_insight,
    make_topic,
)

from digest.compose import compose_digest
from digest.frame import load_frame
from digest.mail import Envelope, build_digest_mail, build_notice
from digest.quotes import Redaction, cut_quote, one_line, shorten
from digest.records import MergeSuggestion, News, Page
from digest.windows import WEEKDAYS
from harvester.config import Weekday
from harvester.errors import UsageError
from harvester.resources import data_folder

WEEK = News(MONDAY - timedelta(days=7), MONDAY)
EN = load_frame("en")
ENVELOPE = Envelope(
    "answers@acme.example",
    "Acme answers",
    ("marketing@acme.example", "content@acme.example"),
    "answers@acme.example",
    "owner@acme.example",
)


def compose(material, news=WEEK, edition=EDITION, redaction=NO_REDACTION, frame=EN):
    return compose_digest(material, news, edition, redaction, frame)


def build(digest, frame=EN):
    return build_digest_mail(digest, frame, ENVELOPE, MONDAY)


def full_week():
    """Every block has something to say."""
    week = busy_week()
    published = replace(week.topics[1], status="published", status_detail="https://acme.example/pricing")
    return replace(
        week,
        topics=(week.topics[0], published, *week.topics[2:]),
        pages={
            2: Page("https://acme.example/pricing", (MONDAY - timedelta(days=20)).date(), 3, 5, "What a seat costs")
        },
        suggestions=(MergeSuggestion(1, 8),),
    )


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


def test_the_subject_is_the_news_in_a_buyers_words():
    assert compose(busy_week()).subject == '"Does it work with SAP Business One?" - 6 companies, was 1'


def test_write_next_is_the_open_topic_that_most_companies_ask_for():
    week = busy_week()
    assert compose(week).write_next.id == "T-001"
    claimed = replace(week, topics=(replace(week.topics[0], status="claimed"), *week.topics[1:]))
    assert compose(claimed).write_next.id == "T-002"
    published = replace(week, topics=(replace(week.topics[0], status="published"), *week.topics[1:]))
    assert compose(published).write_next.id == "T-002"


@pytest.mark.parametrize(("until", "chosen"), [("2026-11-16", "T-001"), ("2026-11-17", "T-002"), ("soon", "T-002")])
def test_a_snoozed_topic_returns_on_its_date(until, chosen):
    week = busy_week()
    snoozed = replace(week.topics[0], status="snoozed", status_detail=until)
    assert compose(replace(week, topics=(snoozed, *week.topics[1:]))).write_next.id == chosen


def test_top_topics_are_the_first_of_the_ranking():
    digest = compose(busy_week())
    assert [line.rank for line in digest.top] == [1, 2, 3, 4, 5]
    assert (digest.top[0].companies, digest.top[0].companies_before, digest.top[0].trend) == (6, 1, "rising")
    assert len(compose(busy_week(), edition=replace(EDITION, top=2)).top) == 2


def test_new_topics_that_the_ranking_does_not_show_have_their_own_block():
    digest = compose(busy_week())
    assert {line.trend for line in digest.new} == {"new"}
    assert not {line.id for line in digest.new} & {line.id for line in digest.top}
    assert len(digest.new) <= 3


def test_empty_blocks_vanish():
    digest = compose(busy_week())
    assert not (digest.still_asked or digest.choices or digest.singles)
    text = build(digest).text
    for heading in ("WE HAVE A PAGE", "YOUR DECISION", "ASKED ONCE"):
        assert heading not in text
        assert heading in build(compose(full_week())).text or heading == "ASKED ONCE"


def test_a_published_page_that_is_still_asked_for_is_told_with_its_links():
    (line,) = compose(full_week()).still_asked
    assert (line.topic.id, line.companies_since, line.links_sent) == ("T-002", 5, 3)


def test_the_last_suggestion_is_followed_up():
    (line,) = compose(busy_week()).follow_ups
    assert (line.topic.id, line.event) == ("T-003", "open")


def test_the_alignment_index_counts_companies_per_topic_and_no_percent_below_20():
    numbers = compose(full_week()).numbers
    assert (numbers.answered, numbers.asked) == (9, 45)
    assert numbers.share == 20
    few = gather([make_topic(1)], [make_insight(1, "globex.example", days_ago=1)])
    assert compose(few).numbers.share is None


def test_three_insights_make_three_lines_under_their_category():
    young = gather(
        [],
        [
            make_insight(1, "globex.example", days_ago=1, topic=None, category="cost", text="What does a seat cost?"),
            make_insight(2, "initech.example", days_ago=2, topic=None, category="fit", text="Does it talk to SAP?"),
            make_insight(3, "hooli.example", days_ago=3, topic=None, category="cost", text="Is there a discount?"),
        ],
    )
    digest = compose(young, News(None, MONDAY))
    assert [(block.category, len(block.quotes)) for block in digest.singles] == [("cost", 2), ("fit", 1)]
    assert digest.numbers.companies == 3
    mail = build(digest)
    for text in ("What does a seat cost?", "Does it talk to SAP?", "Is there a discount?"):
        assert text in mail.text
        assert text in mail.html


def test_nothing_to_say_is_no_digest():
    week = busy_week()
    assert compose(week, News(MONDAY, MONDAY + timedelta(days=7))) is None
    assert compose(gather([], [])) is None
    inferred_only = gather([make_topic(1)], [make_insight(1, "globex.example", days_ago=1, inferred=True)])
    assert compose(inferred_only) is None


def test_news_is_what_arrived_since_the_last_digest_whenever_it_was_asked():
    asked_before = make_insight(1, "globex.example", days_ago=10)
    arrived_now = {1: MONDAY - timedelta(days=1)}
    assert compose(gather([make_topic(1)], [asked_before])) is None
    assert compose(gather([make_topic(1)], [asked_before], arrived=arrived_now)) is not None


def test_after_missed_weeks_the_digest_covers_everything_since_the_last():
    old = make_insight(1, "globex.example", days_ago=40, topic=None)
    digest = compose(gather([], [old]), News(MONDAY - timedelta(days=45), MONDAY))
    assert digest is not None
    assert digest.numbers.companies == 1


def test_no_quote_is_inferred_or_shown_twice():
    digest = compose(busy_week())
    quotes = [line.quote.text for line in (digest.write_next, *digest.top, *digest.new) if line.quote]
    assert len(quotes) == len(set(quotes))
    only_inferred = gather(
        [make_topic(1)],
        [
            make_insight(1, "a.example", days_ago=1, text="ours ours ours", inferred=True),
            make_insight(2, "b.example", days_ago=1, text="theirs theirs theirs"),
        ],
    )
    shown = build(compose(only_inferred))
    assert "ours" not in shown.text.replace("hours", "")
    assert "theirs" in shown.text


def test_every_text_of_a_prospect_is_redacted_and_unsafe_ones_are_not_shown():
    redaction = Redaction(
        redact=lambda text: text.replace("Maria Silva", "[name]"), is_safe=lambda text: "secret" not in text
    )
    topics = [make_topic(1, "Can Maria Silva see the price?")]
    insights = [
        make_insight(1, "a.example", days_ago=1, text="Can Maria Silva see the price of the second seat?"),
        make_insight(2, "b.example", days_ago=2, text="The secret plan is to buy forty seats."),
        make_insight(3, "c.example", days_ago=2, topic=None, text="Maria Silva wants a secret."),
        make_insight(4, "d.example", days_ago=2, topic=None, text="Maria Silva wants a call."),
    ]
    mail = build(compose(gather(topics, insights), redaction=redaction))
    for form in (mail.text, mail.html, mail.raw.decode()):
        assert "Maria" not in form
        assert "secret" not in form
    named = gather([make_topic(1, "Prices for Maria Silva", named_by="ana")], insights)
    assert compose(named, redaction=redaction).top[0].name == "Prices for Maria Silva"


@pytest.mark.parametrize(
    "text",
    [
        "What does it cost?",
        SUBJECTS[0][5][0],
        "We looked at three tools last year, none of which could read our old files, so before we book another round of"
        " demos: can yours import ten years of history from plain text files without somebody typing?",
        "word " * 300,
        "One. Two. Three. Four. Five. Six. Seven. Eight. Nine. Ten. Eleven. Twelve. Thirteen. Fourteen. 15. 16. 17. 18."
        " 19. 20. 21.",
    ],
)
def test_quotes_have_at_most_18_words_and_are_cut_at_sense(text):
    quote = cut_quote(text)
    words = [word for word in quote.replace("…", " ").split() if word]
    assert len(words) <= 18
    if len(text.split()) > 18:
        assert len(words) >= 12
        assert " ".join(words[:-1]) in " ".join(text.split())


def test_a_long_question_keeps_its_end():
    text = (
        "We looked at three tools last year. Before we book another round of demos: can yours import ten years of"
        " history from plain text files?"
    )
    assert cut_quote(text).endswith("can yours import ten years of history from plain text files?")


def test_cutting_a_hostile_text_takes_no_time():
    started = time.perf_counter()
    for text in ("a " * 500_000, "a" * 1_000_000, ".,!? " * 200_000, "\u202e" * 1_000_000):
        cut_quote(text)
    assert time.perf_counter() - started < 2


def test_one_line_shows_only_what_is_visible():
    assert one_line("a\r\nBcc: x\u202e\u200b\x00\x1b[31m\tb\u2028c") == "a Bcc: x[31m b c"
    assert shorten("one two three four", 9) == "one two…"
    assert len(shorten("x" * 500, 20)) <= 21


def test_the_mail_is_small_and_its_text_is_narrow():
    digest = compose(full_week(), edition=replace(EDITION, top=20))
    mail = build(digest)
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
    mail = build(compose(gather(topics, insights), edition=replace(EDITION, top=20)))
    assert len(mail.raw) <= 60_000


def test_html_and_text_say_the_same():
    mail = build(compose(full_week()))

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
    page = Words(build(compose(full_week())).html)
    assert page.loaded == []
    assert not {"img", "script", "link", "iframe", "form", "object", "svg", "video"} & set(page.tags)
    assert {link.partition(":")[0] for link in page.links} == {"https", "mailto"}
    assert "url(" not in build(compose(full_week())).html


def test_without_a_base_url_there_are_no_links_to_pages():
    digest = compose(busy_week(), edition=replace(EDITION, base_url=""))
    assert [link for link in Words(build(digest).html).links if not link.startswith("mailto:")] == []
    assert "https:" not in build(digest).text


def test_every_style_that_matters_is_inline():
    html = build(compose(full_week())).html
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
    mail = build(compose(gather(topics, insights), edition=replace(EDITION, company="Acme " + HOSTILE)))
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
    found = email.message_from_bytes(build(compose(full_week())).raw, policy=policy.default)
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["List-Id"] == "<marketing-digest.acme.example>"
    assert found["List-Unsubscribe"].startswith("<mailto:owner@acme.example?subject=")
    assert found["X-Answers-Harvester"] == "digest; week=2026-W47; audience=marketing"
    assert found["Date"].datetime == MONDAY
    assert "Precedence" not in found


def test_the_message_id_follows_from_week_and_audience():
    first = build(compose(full_week()))
    again = build_digest_mail(compose(busy_week()), EN, ENVELOPE, MONDAY + timedelta(hours=3))
    other_week = build(replace(compose(full_week()), week="2026-W48"))
    other_audience = build(replace(compose(full_week()), audience="board"))
    assert first.message_id == again.message_id
    assert len({first.message_id, other_week.message_id, other_audience.message_id}) == 3
    assert re.fullmatch(r"<[!-~]+@acme\.example>", first.message_id)


def test_the_same_digest_is_the_same_bytes():
    assert build(compose(full_week())).raw == build(compose(full_week())).raw


def test_both_forms_are_utf8_and_decode():
    found = email.message_from_bytes(build(compose(full_week())).raw, policy=policy.default)
    mail = build(compose(full_week()))
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
    mail = build(digest, frame)
    assert f'<html lang="{language}"' in mail.html
    assert "{" not in mail.text


def test_a_language_that_does_not_exist_is_a_sentence():
    with pytest.raises(UsageError, match="de, en"):
        load_frame("../en")


def test_quotes_in_another_language_say_so():
    text = build(compose(busy_week())).text
    assert "(German)" in text
    assert "(English)" not in text


def test_a_first_digest_does_not_say_this_week():
    text = build(compose(busy_week(), News(None, MONDAY))).text
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
