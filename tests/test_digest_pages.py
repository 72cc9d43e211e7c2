"""What existing pages and statuses change in the digest: what to write, what is still asked, what became of it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from digest_material import (
    BERLIN,
    EDITION,
    EN,
    MONDAY,
    NO_REDACTION,
    busy_week,
    compose,
    cover,
    every_block,
    gather,
    make_insight,
    make_topic,
)

from digest.alignment import measure_alignment
from digest.executive import compose_note
from digest.quotes import Redaction
from digest.ranking import rank_topics
from digest.records import AskedPair, News, Page
from digest.windows import windows_until
from nlp.decisions import published_day, set_status, wake
from nlp.records import Decision

URL = "https://www.acme.example/sap"
TODAY = date(2026, 11, 16)


def note(material, edition=EDITION, month="2026-M10"):
    return compose_note(material, month, News(None, MONDAY), edition, NO_REDACTION, EN)


def with_coverage(week, number, coverage, **changes):
    pages = {number: Page(URL, None, 0, 2, "SAP")} if coverage == "answered" else {}
    return replace(week, coverage={number: cover(number, coverage, URL, "SAP", **changes)}, pages=pages)


def test_a_topic_with_a_page_is_not_to_be_written_and_one_with_half_a_page_only_when_all_have_one():
    week = busy_week()
    assert compose(week).write_next.id == "T-001"
    assert compose(with_coverage(week, 1, "answered")).write_next.id == "T-002"
    assert compose(with_coverage(week, 1, "partly")).write_next.id == "T-002"
    only = gather([week.topics[0]], week.insights[1], coverage={1: cover(1, "partly", URL, "SAP")})
    line = compose(only).write_next
    assert (line.id, line.coverage, line.page_title, line.page_url) == ("T-001", "partly", "SAP", URL)


def test_a_persons_no_makes_it_a_topic_to_write_again():
    week = busy_week()
    assert compose(with_coverage(week, 1, "none")).write_next.id == "T-001"


def test_a_page_that_is_gone_answers_nothing():
    week = with_coverage(busy_week(), 1, "partly")
    page = replace(week.coverage[1].best.page, gone_at=MONDAY)
    gone = cover(1, "answered", URL, "SAP", page=page)
    assert gone.coverage == "none"
    assert [match.is_gone for match in gone.matches] == [True]
    assert compose(replace(week, coverage={1: gone})).write_next.id == "T-001"


@pytest.mark.parametrize("status", ["claimed", "drafting", "wont-do", "published"])
def test_what_somebody_has_taken_or_decided_leaves_write_next(status):
    week = busy_week()
    assert compose(replace(week, topics=(replace(week.topics[0], status=status), *week.topics[1:]))).write_next.id != (
        "T-001"
    )


def test_a_snoozed_topic_is_open_again_on_its_date_everywhere():
    topic = make_topic(1, status="snoozed", status_detail="2026-11-16")
    insights = [make_insight(1, "a.example", days_ago=1), make_insight(2, "b.example", days_ago=1)]
    windows = windows_until(TODAY, BERLIN)
    (ranked,) = rank_topics([topic], {1: tuple(insights)}, windows)
    assert (ranked.topic.status, ranked.topic.status_detail) == ("open", None)
    (before,) = rank_topics([topic], {1: tuple(insights)}, windows_until(TODAY - timedelta(days=1), BERLIN))
    assert before.topic.status == "snoozed"
    assert wake(make_topic(1, status="snoozed", status_detail="soon"), TODAY).status == "snoozed"


def test_who_claims_is_kept_also_while_drafting():
    claimed = set_status(make_topic(1), "claimed", "", TODAY, author="mo").topics[0]
    assert (claimed.status, claimed.status_detail) == ("claimed", "mo")
    drafting = set_status(claimed, "drafting", "", TODAY, author="ana").topics[0]
    assert (drafting.status, drafting.status_detail) == ("drafting", "mo")
    assert set_status(claimed, "drafting", "Li", TODAY).topics[0].status_detail == "Li"


def test_the_day_of_publishing_is_what_was_said_or_today():
    topic = make_topic(1)
    for said, day in ((date(2026, 10, 1), date(2026, 10, 1)), (None, TODAY)):
        ruling = set_status(topic, "published", URL, TODAY, published_on=said)
        decision = Decision(1, MONDAY, "mo", "status", 1, ruling.detail)
        assert published_day([decision], ruling.topics[0]) == day
        assert published_day([replace(decision, undone_at=MONDAY)], ruling.topics[0]) is None
    assert published_day([], topic) is None


def test_a_matched_page_that_is_asked_for_all_the_same_is_told_with_how_often_it_was_sent():
    week = with_coverage(busy_week(), 1, "answered")
    (line,) = compose(replace(week, pages={1: Page(URL, None, 2, 7, "SAP")})).still_asked
    assert (line.page_title, line.companies_since, line.links_sent, line.answers) == ("SAP", 6, 2, 7)
    assert line.since == TODAY - timedelta(days=27)
    (recent,) = compose(replace(week, pages={1: Page(URL, date(2026, 11, 10), 2, 7, "SAP")})).still_asked
    assert (recent.since, recent.companies_since) == (date(2026, 11, 10), 3)


def test_a_change_of_status_since_the_last_digest_is_told_once():
    week = every_block()
    events = {line.topic.id: (line.event, line.detail) for line in compose(week).follow_ups}
    assert events == {"T-005": ("snoozed", "31 Jan 2027"), "T-004": ("claimed", "Mo Field")}
    later = News(MONDAY - timedelta(hours=1), MONDAY + timedelta(days=1))
    fresh = make_insight(990, "new.example", days_ago=-0.5, topic=1)
    newer = replace(week, suggested=(), insights={**week.insights, 1: (*week.insights[1], fresh)})
    assert compose(newer, later).follow_ups == ()


def test_what_people_write_beside_a_status_is_redacted():
    redaction = Redaction(redact=lambda text: text.replace("Maria", "[name]"), is_safe=lambda text: True)
    week = every_block()
    topics = [replace(t, status_detail="Maria asked not to") if t.id == 4 else t for t in week.topics]
    details = [line.detail for line in compose(replace(week, topics=tuple(topics)), redaction=redaction).follow_ups]
    assert "[name] asked not to" in details


def test_decisions_are_mixed_and_name_what_to_type():
    week = every_block()
    assert [(c.kind, c.command) for c in compose(week).choices] == [
        ("conflict", "answers brief T-006"),
        ("merge", "answers topic merge T-008 T-001"),
    ]
    lost = replace(week, pages={**week.pages, 2: replace(week.pages[2], is_gone=True)})
    assert [c.kind for c in compose(lost).choices] == ["gone", "conflict"]
    assert compose(replace(busy_week())).choices == ()


def test_sides_of_a_conflict_are_redacted():
    redaction = Redaction(
        redact=lambda text: text.replace("notice", "[...]"), is_safe=lambda text: "1 month" not in text
    )
    assert [c.kind for c in compose(every_block(), redaction=redaction).choices] == ["merge"]


def test_the_alignment_index_has_its_list():
    week = with_coverage(busy_week(), 1, "answered")
    windows = windows_until(TODAY, BERLIN)
    ranked = rank_topics(week.topics, week.insights, windows, coverage=week.coverage)
    alignment = measure_alignment(ranked, week.insights, windows)
    assert alignment.answered == sum(bool(pair.page_url) for pair in alignment.pairs) == 7
    assert alignment.asked == len(alignment.pairs) == 45
    assert {pair.page_url for pair in alignment.pairs if pair.topic == 1} == {URL}
    assert alignment.pairs[0] == AskedPair(sorted({i.company for i in week.insights[1]})[0], 1, URL)
    assert (alignment.days.last - alignment.days.first).days == 89


def test_inferred_insights_and_old_ones_are_no_pairs():
    topic = make_topic(1)
    insights = (
        make_insight(1, "a.example", days_ago=1, inferred=True),
        make_insight(2, "b.example", days_ago=91),
        make_insight(3, "c.example", days_ago=89),
        make_insight(4, "c.example", days_ago=3),
    )
    windows = windows_until(TODAY, BERLIN)
    alignment = measure_alignment(rank_topics([topic], {1: insights}, windows), {1: insights}, windows)
    assert [pair.company for pair in alignment.pairs] == ["c.example"]


def test_the_note_has_five_numbers_three_topics_and_one_ask():
    told = note(every_block())
    assert [figure.name for figure in told.figures] == ["companies", "ideal", "alignment", "published", "open"]
    assert len(told.topics) == 3
    assert (told.ask, told.asked.id) == ("write", "T-006")
    assert (told.days.first, told.days.last) == (date(2026, 10, 1), date(2026, 10, 31))
    plain = note(every_block(), replace(EDITION, ideal=()))
    assert [figure.name for figure in plain.figures][1] == "insights"


def test_the_note_asks_to_send_a_page_when_none_is_missing():
    topic, url = make_topic(1, status="published", status_detail=URL), URL
    insights = [make_insight(n, f"c{n}.example", days_ago=25 + n) for n in range(3)]
    week = gather(
        [topic], insights, pages={1: Page(url, None, 1, 4, "SAP")}, coverage={1: cover(1, "answered", url, "SAP")}
    )
    assert (note(week).ask, note(week).asked.page_title) == ("send", "SAP")
    assert note(replace(week, pages={1: Page(url, None, 4, 4, "SAP")})).ask == "none"


def test_a_month_in_which_nobody_asked_has_no_note():
    assert note(every_block(), month="2026-M03") is None
    inferred = gather([make_topic(1)], [make_insight(1, "a.example", days_ago=30, inferred=True)])
    assert note(inferred) is None
