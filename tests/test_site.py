"""What the pages say, decided without building them: demand, verdicts, folding, answers, redirects, health."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from digest_material import BERLIN, MONDAY, NO_REDACTION, make_insight, make_topic

from digest.likeness import fold_same
from digest.quotes import Redaction
from digest.ranking import rank_topics
from digest.site_answers import Sources, collect_answers, collect_facts, collect_links
from digest.site_content import (
    MOST_POINTS,
    Material,
    Showing,
    demand_by_week,
    describe_insight,
    describe_points,
    describe_row,
    describe_topic,
    show_day,
    show_name,
    verdict_on,
)
from digest.site_health import describe_health
from digest.site_history import redirects_of
from digest.site_overview import matrix_of
from digest.site_sources import pseudonym
from digest.status import LastRun, State, find_warnings
from digest.windows import windows_until
from harvester.database import utc_text
from nlp.store import carrying_topics

WINDOWS = windows_until(MONDAY.astimezone(BERLIN).date(), BERLIN)
SHOWING = Showing(NO_REDACTION, lambda name: name)
NO_SOURCES = Sources({}, {}, {})


def rank(*insights, **changes):
    return rank_topics([make_topic(1, **changes)], {1: insights}, WINDOWS, ideal=("ideal.example",))[0]


def voices_of(insights):
    described = ((insight.id, describe_insight(insight, WINDOWS, SHOWING)) for insight in insights)
    return {number: voice for number, voice in described if voice}


def answers_of(*texts, **changes):
    insights = [
        make_insight(number, f"c{number}.example", days_ago=number, answer=text, **changes)
        for number, text in enumerate(texts, start=1)
    ]
    return collect_answers(insights, NO_SOURCES, WINDOWS, NO_REDACTION)


def test_last_four_bars_are_the_companies_of_the_window():
    days = (0, 1, 27, 28, 55, 56, 180, 181, 182, -1)
    weeks = demand_by_week([make_insight(n, f"c{n}.example", days_ago=d) for n, d in enumerate(days)], WINDOWS)
    assert len(weeks) == 26
    assert sum(week.companies for week in weeks[-4:]) == 3
    assert sum(week.companies for week in weeks[-8:-4]) == 2
    assert sum(week.companies for week in weeks) == 8
    assert weeks[-1].last == WINDOWS.recent.last
    assert weeks[-4].first == WINDOWS.recent.first


def test_a_company_counts_once_in_a_week():
    weeks = demand_by_week([make_insight(n, "one.example", days_ago=n / 2) for n in range(8)], WINDOWS)
    assert [week.companies for week in weeks[-2:]] == [0, 1]


def test_every_month_is_named_once_on_the_chart():
    weeks = demand_by_week([make_insight(1, "one.example", days_ago=1)], WINDOWS)
    assert [week.month for week in weeks if week.month] == ["Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]


def test_no_demand_draws_no_chart():
    assert demand_by_week([make_insight(1, "one.example", days_ago=400)], WINDOWS) == ()


@pytest.mark.parametrize(
    ("status", "detail", "days", "advice", "reason"),
    [
        ("open", None, (1, 2, 3), "Write it now", "3 companies asked in the last 28 days, 0 in the 28 before; no page"),
        ("open", None, (1, 2, 40), "Worth a page", "2 companies asked"),
        ("open", None, (1,), "Keep an eye on it", "1 company asked"),
        ("open", None, (40,), "Can wait", "Nobody asked in the last 28 days, 1 company before."),
        ("published", "https://acme.example/a", (1,), "Send the page that we have", "1 company asked"),
        ("published", "https://acme.example/a", (90,), "Published", "Nobody asked"),
        ("claimed", "Ana", (1,), "Somebody is on it: Ana", "1 company asked"),
        ("wont-do", "Not our field.", (1,), "Decided against", "Not our field. 1 company asked"),
        ("snoozed", "2027-01-31", (1,), "Put off until 31 Jan 2027", "1 company asked"),
    ],
)
def test_verdict_follows_demand_and_status(status, detail, days, advice, reason):
    insights = [make_insight(n, f"c{n}.example", days_ago=day) for n, day in enumerate(days)]
    verdict = verdict_on(rank(*insights, status=status, status_detail=detail))
    assert verdict.advice == advice
    assert verdict.reason.startswith(reason)


def test_verdict_names_ideal_customers():
    insights = [make_insight(1, "ideal.example", days_ago=1), make_insight(2, "b.example", days_ago=1)]
    assert "1 of them ideal customers" in verdict_on(rank(*insights)).reason


def test_same_words_fold_and_other_products_do_not():
    texts = ["Does it work with SAP?", "does it WORK with SAP", "Does it work with Oracle?", "Does it work with ECC?"]
    assert [len(group) for group in fold_same(texts, str)] == [2, 1, 1]
    assert [len(group) for group in fold_same(["Is it?", "Is it?", "Was it?"], str)] == [2, 1]


def test_a_folded_question_counts_companies_and_comes_first():
    insights = [
        make_insight(1, "a.example", days_ago=1, text="Is there an interface to SAP?"),
        make_insight(2, "b.example", days_ago=2, text="Can we export to Excel?"),
        make_insight(3, "c.example", days_ago=3, text="can we export to excel"),
        make_insight(4, "c.example", days_ago=4, text="Can we export to Excel!"),
    ]
    points, left_out, hidden = describe_points(insights, voices_of(insights))
    assert (left_out, hidden) == (0, 0)
    assert [(point.voice.text, point.companies, len(point.others)) for point in points] == [
        ("Can we export to Excel?", 2, 2),
        ("Is there an interface to SAP?", 1, 0),
    ]


def test_the_row_of_a_topic_quotes_what_most_of_it_speak():
    german = replace(make_insight(1, "a.example", days_ago=9, text="Was kostet das für elf Leute?"), language="de")
    english = [
        make_insight(number, f"{number}.example", days_ago=9, text=f"What would {number} people pay in all?")
        for number in (2, 3)
    ]
    for insights, expected in (((german, *english), english[0].text), ((german, english[0]), german.text)):
        page = describe_topic(
            Material(rank(*insights), insights, central=(1, 2, 3)), voices_of(insights), NO_SOURCES, WINDOWS, SHOWING
        )
        assert describe_row(page).quote == expected


def test_a_page_tells_first_what_several_asked_then_what_is_in_the_language_of_most():
    french, german = (
        replace(make_insight(number, f"{number}.example", days_ago=9, text=text), language=language)
        for number, text, language in ((1, "C'est combien ?", "fr"), (2, "Was kostet das?", "de"))
    )
    again = replace(german, id=6, company="6.example", text="Was kostet das")
    english = [
        make_insight(number, f"{number}.example", days_ago=9, text=f"What would {number} people pay in all?")
        for number in (3, 4, 5)
    ]
    page = describe_topic(
        Material(rank(french), (french, german, again, *english), central=(1, 2, 3, 4, 5, 6)),
        voices_of([french, german, again, *english]),
        NO_SOURCES,
        WINDOWS,
        SHOWING,
    )
    assert [point.voice.text for point in page.questions] == [german.text, *(one.text for one in english), french.text]


def test_a_page_has_an_end_and_says_what_is_left_out():
    insights = [make_insight(n, f"c{n}.example", days_ago=1, text=f"Question number {n}?") for n in range(100)]
    points, left_out, _ = describe_points(insights, voices_of(insights))
    assert len(points) == MOST_POINTS
    assert left_out == 100 - MOST_POINTS


def test_answers_with_the_same_words_or_link_are_one_card():
    groups, left_out = answers_of(
        "Yes, the tablet keeps everything and sends it later.",
        "Yes, the tablet keeps everything and sends it later on.",
        "See https://acme.example/offline?utm=1",
        "Das steht auf https://acme.example/offline.",
        "A seat costs nine euros.",
    )
    assert sorted(1 + len(group.others) for group in groups) == [1, 2, 2]
    assert left_out == 0
    assert not any(group.figures for group in groups)


def test_same_answer_with_other_figures_comes_first_and_is_marked():
    groups, _ = answers_of(
        "A completely different matter, nothing to see.",
        "The tablet keeps your rounds for 14 days before it needs a signal.",
        "The tablet keeps your rounds for 30 days before it needs a signal.",
    )
    assert groups[0].figures == ("14", "30")
    assert groups[1].figures == ()


def test_figures_in_different_answers_are_no_conflict():
    groups, _ = answers_of("A seat costs 9 euros a month.", "Delivery to the islands takes 12 working days.")
    assert [group.figures for group in groups] == [(), ()]


def test_the_card_shows_an_answer_that_the_reader_of_the_page_understands():
    insights = [
        make_insight(1, "a.example", days_ago=1, language="de", answer="Siehe https://acme.example/offline"),
        make_insight(2, "b.example", days_ago=2, language="en", answer="Look at https://acme.example/offline"),
    ]
    groups, _ = collect_answers(insights, NO_SOURCES, WINDOWS, NO_REDACTION)
    assert groups[0].best.plain == "Look at https://acme.example/offline"


def test_facts_are_sentences_with_figures():
    groups, _ = answers_of("It is easy. The tablet keeps 14 days. See https://acme.example/2026/offline")
    assert [fact.text for fact in collect_facts(groups)] == ["The tablet keeps 14 days."]


def test_links_count_mails_and_ignore_campaign_codes():
    links = {1: ("https://acme.example/a?x=1", "https://acme.example/a"), 2: ("https://acme.example/a#b",)}
    sources = Sources({}, links, {2: ("prices.pdf",)})
    insights = [make_insight(n, "a.example", days_ago=n) for n in (1, 2)]
    shown = collect_links(insights, sources)
    assert [(link.label, link.count) for link in shown] == [("acme.example/a", 2), ("prices.pdf", 1)]


def test_only_web_addresses_become_links():
    links = {
        1: ("javascript:alert(1)", "data:text/html,x", "https://", "https://ok.example/", "//x.example", "http://[")
    }
    shown = collect_links([make_insight(1, "a.example", days_ago=1)], Sources({}, links, {}))
    assert [link.href for link in shown if link.href] == ["https://ok.example"]


def test_merged_topics_lead_to_the_carrier_and_dismissed_ones_to_the_index():
    topics = (
        make_topic(1, merged_into=2),
        make_topic(2, merged_into=3),
        make_topic(3),
        make_topic(4, dismissed=True),
        make_topic(5, merged_into=4),
    )
    moved = redirects_of(topics, carrying_topics(topics), SHOWING.path)
    assert [(redirect.path, redirect.target) for redirect in moved] == [
        ("t/T-001-topic-1/", "t/T-003-topic-3/"),
        ("t/T-002-topic-2/", "t/T-003-topic-3/"),
        ("t/T-004-topic-4/", ""),
        ("t/T-005-topic-5/", ""),
    ]


def test_pseudonyms_are_stable_and_tell_nothing():
    names = [f"company{number}.example" for number in range(500)]
    first = [pseudonym(name, b"salt") for name in names]
    assert first == [pseudonym(name, b"salt") for name in names]
    assert first != [pseudonym(name, b"other") for name in names]
    assert all(re.fullmatch(r"company [BCDFGHJKLMNPQRSTVWXZ]{4}", shown) for shown in first)
    assert len(set(first)) >= 498


def test_unsafe_quotes_are_hidden_and_unsafe_context_is_dropped():
    careful = Showing(Redaction(lambda text: text, lambda text: "secret" not in text), lambda name: name)
    assert describe_insight(make_insight(1, "a.example", days_ago=1, text="My secret?"), WINDOWS, careful) is None
    shown = describe_insight(make_insight(1, "a.example", days_ago=1, context="A secret."), WINDOWS, careful)
    assert shown is not None
    assert shown.context == ""


def test_names_by_machine_are_redacted_and_names_by_people_are_not():
    masking = Showing(Redaction(lambda text: text.replace("Smith", "[name]"), lambda text: True), lambda name: name)
    assert show_name(make_topic(1, "Will Smith help?"), masking) == "Will [name] help?"
    assert show_name(make_topic(1, "Will Smith help?", named_by="ana"), masking) == "Will Smith help?"


def test_days_read_like_days():
    assert show_day(MONDAY.date().replace(day=5)) == "5 Nov 2026"


def test_matrix_counts_companies_and_puts_the_worst_category_first():
    topics = [
        make_topic(1, category="cost", stage="decision"),
        make_topic(2, category="cost", stage="decision", status="published", status_detail="https://acme.example/a"),
        make_topic(3, category="fit", stage="awareness"),
    ]
    asked = {
        1: (make_insight(1, "a.example", days_ago=1), make_insight(2, "a.example", days_ago=2)),
        2: (make_insight(3, "a.example", days_ago=1, topic=2), make_insight(4, "b.example", days_ago=100, topic=2)),
        3: tuple(make_insight(n, f"c{n}.example", days_ago=n, topic=3) for n in (5, 6, 89, 91)),
    }
    matrix = matrix_of(rank_topics(topics, asked, WINDOWS), asked, {}, WINDOWS)
    assert [category for category, _ in matrix.lines] == ["fit", "cost"]
    cells = {(cell.category, cell.stage): cell for _, line in matrix.lines for cell in line}
    fit, cost = cells["fit", "awareness"], cells["cost", "decision"]
    assert (fit.companies, fit.unanswered, fit.pages, fit.topics) == (3, 3, 0, 1)
    assert (cost.companies, cost.unanswered, cost.pages, cost.topics) == (1, 1, 1, 2)
    assert [(cell.category, cell.stage) for cell in matrix.worst] == [("fit", "awareness"), ("cost", "decision")]


@pytest.mark.parametrize(
    ("polled_hours_ago", "mail_days_ago", "state", "words"),
    [
        (1, 1, "fine", "All is well"),
        (1, 9, "quiet", "Nothing is broken"),
        (50, 9, "broken", "is `answers run` alive?"),
        (None, None, "broken", "never polled"),
    ],
)
def test_a_quiet_week_and_a_broken_mailbox_look_different(polled_hours_ago, mail_days_ago, state, words):
    def at(**ago):
        return utc_text(MONDAY - timedelta(**ago))

    runs = (LastRun("poll", at(hours=polled_hours_ago), "done", "0 new"),) if polled_hours_ago else ()
    known = State(
        mails=5 if mail_days_ago else 0, unread=0, by_status={}, set_aside=(), offers=0, insights=0, unplaced=0,
        topics=0, companies=0, last_runs=runs, last_mail_at=at(days=mail_days_ago) if mail_days_ago else None,
        last_digest=None, embedder=None, adapted=None, fit=None,
        warnings=find_warnings(runs, {}, 0, None, 10, MONDAY),
    )  # fmt: skip
    health = describe_health(known, {}, SHOWING, MONDAY, BERLIN, has_mailbox=True)
    assert health.state == state
    assert words in health.sentence
