"""Invented topics and insights for the tests of the digest."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.compose import compose_digest
from digest.desk import Edition
from digest.frame import Frame, load_frame
from digest.mail import Envelope, build_digest_mail
from digest.quotes import Redaction
from digest.records import Digest, Material, MergeSuggestion, News, OutgoingMail, Page
from nlp.pages import PageMatch, StoredPage, TopicCoverage, cover_topic
from nlp.records import Kind, StoredInsight, Topic

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)  # 08:00 in Berlin, week 47
EDITION = Edition(
    company="Acme",
    zone=BERLIN,
    ideal=("globex.example",),
    base_url="https://answers.acme.example/",
    pause_address="owner@acme.example",
)
NO_REDACTION = Redaction(redact=lambda text: text, is_safe=lambda text: True)


def make_topic(number: int, name: str = "Does it work with SAP?", **changes: object) -> Topic:
    """A topic of that number; `changes` replace any field."""
    fields: dict[str, object] = {
        "id": number,
        "name": name,
        "slug": f"topic-{number}",
        "named_by": "machine",
        "status": "open",
        "category": "fit",
        "stage": "consideration",
        "born_at": MONDAY - timedelta(days=90),
    }
    return Topic(**{**fields, **changes})  # type: ignore[arg-type]


def make_insight(
    number: int,
    company: str,
    *,
    days_ago: float,
    topic: int | None = 1,
    text: str = "We run our stock in SAP and I wonder whether your tool could read from it every night.",
    **changes: object,
) -> StoredInsight:
    """An insight asked that many days before MONDAY; `changes` replace any field."""
    fields: dict[str, object] = {
        "id": number,
        "message": number,
        "kind": Kind.QUESTION,
        "text": text,
        "context": "",
        "company": company,
        "person": None,
        "asked_at": MONDAY - timedelta(days=days_ago),
        "language": "en",
        "category": "fit",
        "stage": "consideration",
        "inferred": False,
        "answer": None,
        "topic": topic,
    }
    return StoredInsight(**{**fields, **changes})  # type: ignore[arg-type]


def gather(topics: Iterable[Topic], insights: Iterable[StoredInsight], **changes: object) -> Material:
    """Put topics and insights together as the archive would hand them out."""
    groups: dict[int, tuple[StoredInsight, ...]] = {}
    unplaced: list[StoredInsight] = []
    for insight in insights:
        if insight.topic is None:
            unplaced.append(insight)
        else:
            groups[insight.topic] = (*groups.get(insight.topic, ()), insight)
    return Material(tuple(topics), groups, tuple(unplaced), **changes)  # type: ignore[arg-type]


# name, category, stage, companies in the recent and the earlier 28 days, language, what they say
SUBJECTS = (
    (
        "Does it work with SAP Business One?",
        "fit",
        "decision",
        (6, 1),
        "en",
        (
            "Our planners live in SAP all day, so before anything else: would your schedule flow back by itself?",
            "We run Business One on our own servers and nobody here will type orders twice, so how do the two talk?",
        ),
    ),
    (
        "What does one seat cost for a plant with three shifts and seasonal staff?",
        "cost",
        "decision",
        (5, 4),
        "en",
        ("If we start with forty people and double in the summer, do we pay for eighty all year round?",),
    ),
    (
        "How long until the first line is running?",
        "process",
        "consideration",
        (4, 5),
        "en",
        ("Honestly, the last rollout took nine months, and half of the team had left before it was finished.",),
    ),
    (
        "Wo liegen unsere Daten?",
        "process",
        "consideration",
        (3, 0),
        "de",
        ("Unsere Revision will wissen, in welchem Land die Daten liegen und wer sie dort lesen kann?",),
    ),
    (
        "We copy figures from paper into three systems",
        "problems",
        "awareness",
        (3, 7),
        "en",
        ("Every Friday two of us type the shift sheets into three systems, and on Monday the numbers disagree.",),
    ),
    (
        "Who else in the food industry uses it?",
        "reviews",
        "decision",
        (2, 2),
        "en",
        ("I would love to talk to somebody of our size who has used it through at least one audit.",),
    ),
    (
        "Can we try it on one line first?",
        "best-of",
        "consideration",
        (1, 0),
        "en",
        ("Could we put it on the small bottling line for a month and decide afterwards?",),
    ),
    (
        "How does it differ from a spreadsheet?",
        "versus",
        "awareness",
        (2, 0),
        "en",
        ("We have a spreadsheet that one colleague understands, and she retires in spring.",),
    ),
)


def busy_week() -> Material:
    """A company that has been at it for a while: eight topics, some news, a page, a follow-up."""
    topics, insights, number = [], [], 0
    for index, (name, category, stage, (recent, before), language, voices) in enumerate(SUBJECTS, start=1):
        topics.append(make_topic(index, name, category=category, stage=stage))
        for place in range(recent + before):
            number += 1
            days_ago = 1 + place * 2 if place < recent else 30 + place
            company = "globex.example" if place == index - 1 else f"company{(index * 3 + place) % 23}.example"
            voice = voices[place % len(voices)]
            insights.append(
                make_insight(number, company, days_ago=days_ago, topic=index, text=voice, language=language)
            )
    return gather(topics, insights, colleagues=4, set_aside={"ignored": 17, "quarantined": 2}, suggested=(3,))


def cover(topic: int, coverage: str, url: str, title: str, **changes: object) -> TopicCoverage:
    """One page that answers the topic, or a part of it."""
    page = StoredPage(topic, url, title, "", None, MONDAY - timedelta(days=200))
    match = PageMatch(topic, page, coverage, 0.9, "both speak of seats")
    return cover_topic(topic, [replace(match, **changes)])  # type: ignore[arg-type]


def every_block() -> Material:
    """A week in which every block of the digest has something to say."""
    week = busy_week()
    pricing = "https://www.acme.example/pricing"
    lines = "https://www.acme.example/first-line"
    topics = list(week.topics)
    topics[1] = replace(topics[1], status="published", status_detail=pricing)
    topics[3] = replace(topics[3], status="claimed", status_detail="Mo Field")
    topics[4] = replace(topics[4], status="snoozed", status_detail="2027-01-31")
    insights = dict(week.insights)
    says = ("The notice period is 3 months to the end of a year.", "The notice period is 1 month to the end of a year.")
    insights[6] = tuple(
        replace(insight, answer=says[place % 2], asked_at=insight.asked_at) for place, insight in enumerate(insights[6])
    )
    return replace(
        week,
        topics=tuple(topics),
        insights=insights,
        suggested=(4,),
        coverage={
            2: cover(2, "answered", pricing, "What a seat costs"),
            4: cover(4, "partly", "https://www.acme.example/security", "Where your data live"),
            3: cover(3, "answered", lines, "Four weeks to the first line"),
        },
        pages={
            2: Page(pricing, date(2026, 10, 27), 3, 5, "What a seat costs"),
            3: Page(lines, None, 0, 4, "Four weeks to the first line"),
        },
        changed={4: MONDAY - timedelta(days=2), 5: MONDAY - timedelta(days=1)},
        suggestions=(MergeSuggestion(1, 8),),
    )


def young_mailbox() -> Material:
    """Three insights and no topic yet."""
    return gather(
        [],
        [
            make_insight(1, "globex.example", days_ago=1, topic=None, category="cost", text="What does a seat cost?"),
            make_insight(2, "initech.example", days_ago=2, topic=None, category="fit", text="Does it talk to SAP?"),
            make_insight(3, "hooli.example", days_ago=3, topic=None, category="cost", text="Is there a discount?"),
        ],
        colleagues=1,
    )


def full_week() -> Material:
    """The busy week with a page that is still asked for and a suggestion to merge."""
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


WEEK = News(MONDAY - timedelta(days=7), MONDAY)
EN = load_frame("en")
ENVELOPE = Envelope(
    "answers@acme.example",
    "Acme answers",
    ("marketing@acme.example", "content@acme.example"),
    "answers@acme.example",
    "owner@acme.example",
)


def compose(
    material: Material,
    news: News = WEEK,
    edition: Edition = EDITION,
    redaction: Redaction = NO_REDACTION,
    frame: Frame = EN,
) -> Digest | None:
    return compose_digest(material, news, edition, redaction, frame)


def build_mail(digest: Digest, frame: Frame = EN) -> OutgoingMail:
    return build_digest_mail(digest, frame, ENVELOPE, MONDAY)
