"""What the weekly mail says: which topics, which quotes, in whose words."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from digest_material import (
    EDITION,
    MONDAY,
    SUBJECTS,
    build_mail,
    busy_week,
    compose,
    full_week,
    gather,
    make_insight,
    make_topic,
)

from digest.quotes import Redaction, cut_quote, one_line, shorten
from digest.records import News


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
    text = build_mail(digest).text
    for heading in ("WE HAVE A PAGE", "YOUR DECISION", "ASKED ONCE"):
        assert heading not in text
        assert heading in build_mail(compose(full_week())).text or heading == "ASKED ONCE"


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
    mail = build_mail(digest)
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
    shown = build_mail(compose(only_inferred))
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
    mail = build_mail(compose(gather(topics, insights), redaction=redaction))
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
