"""Decides what the pages say about our side: answers folded, facts to verify, links sent, whom to ask. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from digest.likeness import (
    are_alike,
    around_links,
    bare_link,
    figures_in,
    links_in,
    prose_words,
    without_links,
)
from digest.page_records import AnswerGroup, Fact, ShownAnswer, ShownLink
from digest.quotes import Redaction, one_line, shorten
from digest.records import Windows
from nlp.records import StoredInsight

MOST_GROUPS = 8
MOST_ANSWERS = 40
MOST_VARIANTS = 10
MOST_LINKS = 12
MOST_EXPERTS = 5
MOST_FACTS = 6
FACT_LETTERS = 240
PAGE_LANGUAGE = "en"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Sources:
    """What the mails of a topic tell beside the insights, by message.

    authors: the colleague's name. links: web addresses in the answer. files: names of the attachments.
    """

    authors: Mapping[int, str]
    links: Mapping[int, tuple[str, ...]]
    files: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Draft:
    insight: StoredInsight
    words: frozenset[str]
    links: frozenset[str]
    figures: frozenset[str]


def collect_answers(
    insights: Sequence[StoredInsight], sources: Sources, windows: Windows, redaction: Redaction
) -> tuple[tuple[AnswerGroup, ...], int]:
    """What colleagues answered, folded; those that differ in their figures first, then the most frequent, the newest.

    The second value counts the answers that are not shown.
    """
    newest = sorted((i for i in insights if i.answer), key=lambda i: (i.asked_at, i.id), reverse=True)
    distinct: dict[str, StoredInsight] = {}
    for insight in newest:
        distinct.setdefault(one_line(insight.answer or "").casefold(), insight)
    drafts = [_draft(insight) for insight in list(distinct.values())[:MOST_ANSWERS]]
    weighed = [(_differing_figures(group), group) for group in _fold(drafts)]
    weighed.sort(key=lambda one: (not one[0], -len(one[1])))  # stable: the newest first among equals
    shown: list[AnswerGroup] = []
    for figures, group in weighed:
        if len(shown) < MOST_GROUPS and (one := _show(group[:MOST_VARIANTS], figures, sources, windows, redaction)):
            shown.append(one)
    return tuple(shown), len(distinct) - sum(1 + len(group.others) for group in shown)


def collect_facts(groups: Sequence[AnswerGroup]) -> tuple[Fact, ...]:
    """Sentences of the answers that hold a figure, each once: what a writer has to verify before printing it."""
    facts: dict[frozenset[str], Fact] = {}
    for group in groups:
        for answer in (group.best, *group.others):
            for sentence in _SENTENCE_END.split(without_links(answer.plain)):
                if figures_in(sentence):
                    fact = Fact(shorten(one_line(sentence), FACT_LETTERS), answer.author, answer.day)
                    facts.setdefault(figures_in(sentence), fact)
    return tuple(facts.values())[:MOST_FACTS]


def collect_links(insights: Sequence[StoredInsight], sources: Sources) -> tuple[ShownLink, ...]:
    """Links and files that went out with the answers, the most used first."""
    messages = sorted({insight.message for insight in insights})
    links = Counter(
        link for message in messages for link in dict.fromkeys(map(bare_link, sources.links.get(message, ())))
    )
    files = Counter(name for message in messages for name in dict.fromkeys(sources.files.get(message, ())))
    shown = [ShownLink(label_link(url), safe_href(url), count) for url, count in links.items()]
    shown += [ShownLink(one_line(name), "", count) for name, count in files.items()]
    return tuple(sorted(shown, key=lambda link: (-link.count, link.label)))[:MOST_LINKS]


def collect_experts(insights: Sequence[StoredInsight], sources: Sources) -> tuple[tuple[str, int], ...]:
    """Who answered, and how many mails; the most experienced first."""
    answered = {insight.message for insight in insights if insight.answer}
    counts = Counter(name for message in sorted(answered) if (name := sources.authors.get(message)))
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))[:MOST_EXPERTS]


def safe_href(url: str) -> str:
    """The address when it is a plain web address, else ""."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def label_link(url: str) -> str:
    """What a reader sees of a link: host and path, so that the target is visible."""
    label = one_line(url).split("://", 1)[-1].removeprefix("www.").rstrip("/")
    return label if len(label) <= 80 else label[:79] + "…"


def _draft(insight: StoredInsight) -> _Draft:
    text = insight.answer or ""
    return _Draft(insight, prose_words(text), links_in(text), figures_in(text))


def _fold(drafts: Sequence[_Draft]) -> list[list[_Draft]]:
    """Groups by the first member: most words shared, or the same pages sent."""
    groups: list[list[_Draft]] = []
    for draft in drafts:
        for group in groups:
            first = group[0]
            if are_alike(draft.words, first.words) or (draft.links and draft.links == first.links):
                group.append(draft)
                break
        else:
            groups.append([draft])
    return groups


def _show(
    group: Sequence[_Draft], figures: tuple[str, ...], sources: Sources, windows: Windows, redaction: Redaction
) -> AnswerGroup | None:
    shown = [answer for draft in group if (answer := _show_answer(draft.insight, sources, windows, redaction))]
    if not shown:
        return None
    best = next((answer for answer in shown if answer.language == PAGE_LANGUAGE), shown[0])
    return AnswerGroup(best, tuple(answer for answer in shown if answer is not best), figures)


def _differing_figures(group: Sequence[_Draft]) -> tuple[str, ...]:
    """Figures that one answer has and another of the same words has not, although both give figures."""
    differing: set[str] = set()
    for place, one in enumerate(group):
        for other in group[place + 1 :]:
            if one.figures and other.figures and are_alike(one.words, other.words):
                differing |= one.figures ^ other.figures
    return tuple(sorted(differing, key=lambda figure: (len(figure), figure)))


def _show_answer(
    insight: StoredInsight, sources: Sources, windows: Windows, redaction: Redaction
) -> ShownAnswer | None:
    pieces = tuple(
        (bare_link(piece), True) if is_link else (redaction.redact(piece), False)
        for piece, is_link in around_links((insight.answer or "").strip())
    )
    question = redaction.redact(one_line(insight.text))
    prose = " ".join(piece for piece, is_link in pieces if not is_link)
    if not pieces or not redaction.is_safe(prose) or not redaction.is_safe(question):
        return None
    author = sources.authors.get(insight.message, "")
    return ShownAnswer(pieces, question, author, _day(insight, windows), insight.language)


def _day(insight: StoredInsight, windows: Windows) -> date:
    return windows.day_of(insight.asked_at)
