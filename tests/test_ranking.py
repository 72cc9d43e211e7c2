"""Counting and ordering topics by the rules of the product."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from digest_material import BERLIN, MONDAY, make_insight, make_topic

from digest.ranking import percentage, rank_topics, topic_url, trend_word
from digest.windows import windows_until

WINDOWS = windows_until(MONDAY.date(), BERLIN)


def rank(topics, insights, windows=WINDOWS, **settings):
    groups = {topic.id: tuple(i for i in insights if i.topic == topic.id) for topic in topics}
    return rank_topics(topics, groups, windows, **settings)


def test_nine_mails_of_one_company_are_one_company():
    insights = [make_insight(n, "globex.example", days_ago=n) for n in range(1, 10)]
    (topic,) = rank([make_topic(1)], insights)
    assert (topic.companies, topic.insights, topic.companies_recent) == (1, 9, 1)


def test_companies_count_before_insights():
    loud = [make_insight(n, "globex.example", days_ago=n, topic=1) for n in range(1, 10)]
    broad = [make_insight(20 + n, f"company{n}.example", days_ago=n, topic=2) for n in range(1, 3)]
    assert [t.topic.id for t in rank([make_topic(1), make_topic(2)], loud + broad)] == [2, 1]


def test_an_ideal_customer_breaks_a_tie_and_is_shown():
    insights = [
        make_insight(1, "other.example", days_ago=1, topic=1),
        make_insight(2, "other.example", days_ago=2, topic=1),
        make_insight(3, "globex.example", days_ago=1, topic=2),
    ]
    first, second = rank([make_topic(1), make_topic(2)], insights, ideal=("globex.example",))
    assert (first.topic.id, first.ideal, second.ideal) == (2, 1, 0)


def test_inferred_insights_are_counted_apart():
    insights = [
        make_insight(1, "globex.example", days_ago=1),
        make_insight(2, "initech.example", days_ago=1, inferred=True),
    ]
    (topic,) = rank([make_topic(1)], insights)
    assert (topic.companies, topic.insights, topic.inferred, topic.companies_recent) == (1, 1, 1, 1)


def test_what_was_asked_after_the_last_day_does_not_count():
    insights = [make_insight(1, "globex.example", days_ago=1), make_insight(2, "initech.example", days_ago=-2)]
    (topic,) = rank([make_topic(1)], insights)
    assert (topic.companies, topic.companies_recent) == (1, 1)


def test_dismissed_topics_are_left_out():
    assert rank([make_topic(1, dismissed=True)], [make_insight(1, "globex.example", days_ago=1)]) == ()


def test_a_topic_without_insights_is_ranked_last_and_steady():
    asked, silent = rank([make_topic(1), make_topic(2)], [make_insight(1, "globex.example", days_ago=1, topic=2)])
    assert (asked.topic.id, silent.topic.id) == (2, 1)
    assert (silent.rank, silent.companies, silent.trend) == (2, 0, "steady")


def test_days_ranks_by_a_longer_window_and_leaves_the_28_days_alone():
    old = [make_insight(n, f"company{n}.example", days_ago=60, topic=1) for n in range(5)]
    new = [make_insight(10, "globex.example", days_ago=1, topic=2)]
    topics = [make_topic(1), make_topic(2)]
    assert [t.topic.id for t in rank(topics, old + new)] == [2, 1]
    longer = rank(topics, old + new, windows_until(MONDAY.date(), BERLIN, days=84))
    assert [(t.topic.id, t.companies_listed, t.companies_recent) for t in longer] == [(1, 5, 0), (2, 1, 1)]


@pytest.mark.parametrize(
    ("recent", "before", "earlier", "word"),
    [
        (6, 1, True, "rising"),
        (1, 6, True, "falling"),
        (3, 0, False, "new"),
        (1, 0, False, "new"),
        (1, 0, True, "back"),
        (5, 0, True, "back"),
        (3, 1, True, "steady"),  # two more are not enough
        (8, 5, True, "steady"),  # three more, but 0.83 is below 1.6
        (9, 4, True, "steady"),  # 1.39
        (5, 1, True, "rising"),  # 1.63
        (0, 2, True, "steady"),
        (0, 3, True, "falling"),
        (0, 0, True, "steady"),
    ],
)
def test_trend_words(recent, before, earlier, word):
    assert trend_word(recent, before, earlier=earlier) == word


def test_a_topic_is_back_when_it_was_silent_for_a_window():
    insights = [
        make_insight(1, "globex.example", days_ago=1),
        make_insight(2, "initech.example", days_ago=70),
    ]
    assert rank([make_topic(1)], insights)[0].trend == "back"
    assert rank([make_topic(1)], insights[:1])[0].trend == "new"


def test_no_percentage_below_20_companies():
    assert percentage(5, 19, companies=19) is None
    assert percentage(5, 20, companies=20) == 25
    assert percentage(0, 0, companies=30) is None


def test_json_has_the_fields_that_scripts_read():
    insights = [make_insight(1, "globex.example", days_ago=1), make_insight(2, "initech.example", days_ago=40)]
    (topic,) = rank([make_topic(17, slug="sap")], [replace(i, topic=17) for i in insights])
    got = topic.as_json()
    assert {
        "id": "T-017",
        "name": "Does it work with SAP?",
        "slug": "sap",
        "status": "open",
        "category": "fit",
        "stage": "consideration",
        "coverage": "none",
        "companies": 2,
        "insights": 2,
        "companies_28d": 1,
        "companies_prev_28d": 1,
        "trend": "steady",
        "merged_into": None,
        "url": "t/T-017-sap/",
        "rank": 1,
    }.items() <= got.items()


def test_a_published_topic_is_covered():
    (topic,) = rank([make_topic(1, status="published")], [make_insight(1, "globex.example", days_ago=1)])
    assert topic.coverage == "answered"


def test_urls_are_relative_without_a_base():
    assert topic_url(make_topic(3, slug="x"), "") == "t/T-003-x/"
    assert topic_url(make_topic(3, slug="x"), "https://a.example/b/") == "https://a.example/b/t/T-003-x/"


def test_the_same_input_gives_the_same_order():
    topics = [make_topic(n) for n in range(1, 30)]
    insights = [make_insight(n, f"company{n % 7}.example", days_ago=n % 50, topic=1 + n % 29) for n in range(1, 200)]
    assert rank(topics, insights) == rank(topics[::-1], insights[::-1])


def test_ranking_a_hundred_thousand_insights_takes_seconds():
    topics = [make_topic(n) for n in range(1, 1001)]
    one = make_insight(1, "x", days_ago=1)
    groups = {
        topic.id: tuple(
            replace(one, id=topic.id * 100 + n, company=f"c{n}.example", asked_at=MONDAY - timedelta(days=n % 90))
            for n in range(100)
        )
        for topic in topics
    }
    started = time.perf_counter()
    rank_topics(topics, groups, WINDOWS)
    assert time.perf_counter() - started < 8
