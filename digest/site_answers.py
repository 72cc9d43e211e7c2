"""Decides what the pages say about our side: answers folded, facts to verify, links sent, whom to ask. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from digest.page_records import AnswerGroup, Fact, ShownAnswer, ShownConflict, ShownLink, ShownSide
from digest.quotes import Redaction, one_line, shorten
from digest.records import Windows
from digest.web_links import safe_href
from nlp.conflicts import find_conflicts
from nlp.records import StoredInsight

MOST_GROUPS = 8
MOST_ANSWERS = 30
MOST_VARIANTS = 6
MOST_LINKS = 12
MOST_EXPERTS = 5
MOST_FACTS = 6
FACT_LETTERS = 240
PAGE_LANGUAGE = "en"
LINK = "[link]"
SAME_BUT_FOR_NO = 0.75
# Words that turn a sentence into its opposite, in the languages that colleagues answer in.
_NO = (
    "no not never cannot none without don doesn isn aren won hasn nein nicht kein keine keinen nie ohne non pas jamais"
    " aucun aucune sans nunca jamás ningún ninguna sin niet geen nooit zonder nessun nessuna senza não"
)
DENIALS = frozenset(_NO.split())
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Sources:
    """What the mails of a topic tell beside the insights, by message.

    authors: the colleague's name. links: web addresses in the answer. files: names of the attachments.
    roles: by insight, the kind of part that it stood in.
    """

    authors: Mapping[int, str]
    links: Mapping[int, tuple[str, ...]]
    files: Mapping[int, tuple[str, ...]]
    roles: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Draft:
    insight: StoredInsight
    words: frozenset[str]
    links: frozenset[str]
    figures: frozenset[str]
    denies: bool


def collect_answers(
    insights: Sequence[StoredInsight],
    sources: Sources,
    windows: Windows,
    redaction: Redaction,
    *,
    hosts: tuple[str, ...] | None = None,
) -> tuple[tuple[AnswerGroup, ...], int]:
    """What colleagues answered, folded; those that contradict each other first, then the most frequent, the newest.

    hosts: web addresses of others are masked; None: none are. The second value counts the answers that are not shown.
    """
    newest = sorted((i for i in insights if i.answer), key=lambda i: (i.asked_at, i.id), reverse=True)
    distinct: dict[str, StoredInsight] = {}
    for insight in newest:
        distinct.setdefault(one_line(insight.answer or "").casefold(), insight)
    drafts = [_draft(insight) for insight in list(distinct.values())[:MOST_ANSWERS]]
    weighed = [(_differing_figures(group), _is_denied(group), group) for group in _fold(drafts)]
    weighed.sort(key=lambda one: (not (one[0] or one[1]), -len(one[2])))  # stable: the newest first among equals
    shown: list[AnswerGroup] = []
    for figures, denied, group in weighed:
        if len(shown) == MOST_GROUPS:
            break
        answers = [_show_answer(draft.insight, sources, windows, redaction, hosts) for draft in group[:MOST_VARIANTS]]
        if kept := [answer for answer in answers if answer]:
            best = next((answer for answer in kept if answer.language == PAGE_LANGUAGE), kept[0])
            others = tuple(answer for answer in kept if answer is not best)
            shown.append(AnswerGroup(best, others, figures if others else (), denied and bool(others)))
    return tuple(shown), len(distinct) - sum(1 + len(group.others) for group in shown)


def collect_conflicts(
    insights: Sequence[StoredInsight], sources: Sources, windows: Windows, redaction: Redaction
) -> tuple[ShownConflict, ...]:
    """Answers that cannot all be right: a person has to settle which one holds."""

    def show(text: str) -> str | None:
        shown = redaction.redact(without_links(text))
        return shown if redaction.is_safe(shown) else None

    by_id = {insight.id: insight for insight in insights}
    return tuple(
        ShownConflict(
            conflict.kind,
            tuple(
                ShownSide(
                    side.value,
                    shorten(one_line(side.sentence), FACT_LETTERS),
                    sources.authors.get(by_id[side.insights[-1]].message, ""),
                    windows.day_of(by_id[side.insights[-1]].asked_at),
                )
                for side in conflict.sides
            ),
        )
        for conflict in find_conflicts(insights, show)
    )


def collect_facts(groups: Sequence[AnswerGroup]) -> tuple[Fact, ...]:
    """Sentences of the answers that hold a figure, each once: what a writer has to verify before printing it."""
    facts: dict[frozenset[str], Fact] = {}
    for answer in (answer for group in groups for answer in (group.best, *group.others)):
        for sentence in _SENTENCE_END.split(without_links(answer.plain)):
            figures = figures_in(sentence)
            if figures and figures not in facts:
                facts[figures] = Fact(shorten(one_line(sentence), FACT_LETTERS), answer.author, answer.day)
                if len(facts) == MOST_FACTS:
                    return tuple(facts.values())
    return tuple(facts.values())


def collect_links(
    insights: Sequence[StoredInsight],
    sources: Sources,
    redaction: Redaction | None = None,
    *,
    hosts: tuple[str, ...] | None = None,
) -> tuple[ShownLink, ...]:
    """Links and files that went out with the answers, the most used first.

    hosts: only links to these, and names of files pass through the redaction; None: everything as it is.
    """
    messages = sorted({insight.message for insight in insights})
    links = Counter(
        link for message in messages for link in dict.fromkeys(map(bare_link, sources.links.get(message, ())))
    )
    files = Counter(name for message in messages for name in dict.fromkeys(sources.files.get(message, ())))
    shown = [ShownLink(label_link(url), safe_href(url), n) for url, n in links.items() if is_shown(url, hosts)]
    mask = redaction.redact if redaction and hosts is not None else str
    shown += [ShownLink(mask(one_line(name)), "", count) for name, count in files.items()]
    return tuple(sorted(shown, key=lambda link: (-link.count, link.label)))[:MOST_LINKS]


def collect_experts(insights: Sequence[StoredInsight], sources: Sources) -> tuple[tuple[str, int], ...]:
    """Who answered, and how many mails; the most experienced first."""
    answered = {insight.message for insight in insights if insight.answer}
    counts = Counter(name for message in sorted(answered) if (name := sources.authors.get(message)))
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))[:MOST_EXPERTS]


def is_shown(url: str, hosts: tuple[str, ...] | None) -> bool:
    """Whether a link leads to one of the hosts or their subdomains; always when there is no such list."""
    if hosts is None:
        return True
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return any(name == host or name.endswith(f".{host}") for host in hosts)


def label_link(url: str) -> str:
    """What a reader sees of a link: host and path, so that the target is visible."""
    label = one_line(url).split("://", 1)[-1].removeprefix("www.").rstrip("/")
    return label if len(label) <= 80 else label[:79] + "…"


def _draft(insight: StoredInsight) -> _Draft:
    text = insight.answer or ""
    words = prose_words(text)
    return _Draft(insight, words, links_in(text), figures_in(text), not words.isdisjoint(DENIALS))


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


def _differing_figures(group: Sequence[_Draft]) -> tuple[str, ...]:
    """Figures that one answer has and another of the same words has not, although both give figures."""
    differing: set[str] = set()
    for place, one in enumerate(group):
        for other in group[place + 1 :]:
            if one.figures and other.figures and are_alike(one.words, other.words):
                differing |= one.figures ^ other.figures
    return tuple(sorted(differing, key=lambda figure: (len(figure), figure)))


def _is_denied(group: Sequence[_Draft]) -> bool:
    """One of two answers of nearly the same words says no."""
    return any(
        one.denies != other.denies and are_alike(one.words - DENIALS, other.words - DENIALS, share=SAME_BUT_FOR_NO)
        for place, one in enumerate(group)
        for other in group[place + 1 :]
    )


def _show_answer(
    insight: StoredInsight, sources: Sources, windows: Windows, redaction: Redaction, hosts: tuple[str, ...] | None
) -> ShownAnswer | None:
    pieces = tuple(
        (bare_link(piece), True)
        if is_link and is_shown(piece, hosts)
        else (LINK if is_link else redaction.redact(piece), False)
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
