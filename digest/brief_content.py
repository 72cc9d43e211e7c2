"""Decides what a brief says. Pure; every line traces to a mail, to a count or to data/brief/.

It has to fit one page: a few lines a section, each short. A section without lines says whom to ask.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from digest.brief_records import Brief, Line, Origin, Section
from digest.frame import Frame
from digest.page_records import Facts, Point, ShownAnswer, ShownConflict, TopicPage, Voice
from digest.quotes import cut_quote, one_line, shorten
from digest.records import TopicFacets
from harvester.errors import UsageError
from harvester.resources import data_folder
from nlp.inside_records import Inside
from nlp.records import Kind, topic_id

MOST_TITLES, MOST_MUST, MOST_WORRIES, MOST_LIMITS, MOST_WORDS = 3, 6, 3, 2, 8
MOST_AVOIDED, MOST_QUOTES, MOST_FACTS, MOST_CONFLICTS, MOST_PAGES, MOST_ASKED = 4, 3, 4, 2, 4, 3
MOST_NAMED = 4
TITLE_LETTERS, LINE_LETTERS, ANSWER_LETTERS, SUBJECT_LETTERS, LINK_LETTERS = 90, 120, 300, 40, 70
_LETTERS = re.compile(r"[\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class BriefMaterial:
    """What a brief is made of.

    sources: (author, day of the question) of an answer -> subject and day of its mail, redacted.
    """

    page: TopicPage
    facts: Facts
    inside: Inside
    sources: Mapping[tuple[str, str], tuple[str, date]]


def describe_brief(material: BriefMaterial, frame: Frame) -> Brief:
    """Everything on the page, in the order in which a writer needs it."""
    words = load_words(frame.language)
    page = material.page
    topic = page.ranked.topic
    expert = page.experts[0][0] if page.experts else words["nobody"]
    ask = words["ask"].format(expert=expert)
    must, worries = _must_answer(material, words), _worries(page, frame, words)
    told = {_letters(line.text) for line in (*must, *worries)}
    sections = (
        ("titles", "lines", _titles(material)),
        ("reader", "lines", _reader(page, words)),
        ("structure", "numbered", _from_file(words["structure"][topic.category])),
        ("answer", "quotes", _short_answer(page, frame, words)),
        ("must", "numbered", must),
        ("worries", "lines", worries),
        ("not_for", "lines", _limits(page, frame, words)),
        ("use", "words", _words_to_use(material, words)),
        ("avoid", "words", _words_to_avoid(material, words)),
        ("quotes", "quotes", _quotes(page, frame, words, told)),
        ("facts", "lines", _facts(material, frame, words)),
        ("conflicts", "lines", _conflicts(page.conflicts, expert, words)),
        ("expert", "numbered", _interview(material, words)),
        ("pages", "lines", _pages(page, words)),
        ("done", "ticks", _from_file(words["done"]["lines"], expert=expert, topic=topic_id(topic.id))),
    )
    return Brief(
        language=frame.language,
        title=words["title"],
        facets=(topic_id(topic.id), topic.category, topic.stage),
        name=page.name,
        name_language=page.language,
        advice=page.verdict.advice,
        reason=page.verdict.reason,
        small=words["counted"].format(
            company=material.facts.company, window=material.facts.window, made=material.facts.built_at
        ),
        sections=tuple(
            Section(key, words["heading"][key].format(expert=expert), form, tuple(lines), "" if lines else ask)
            for key, form, lines in sections
            if lines or key != "conflicts"  # without a contradiction there is nothing to settle
        ),
    )


def load_words(language: str) -> Mapping[str, Any]:
    """The frame of briefs. Raises UsageError for a language without a file."""
    known = _load_all()
    if language not in known:
        raise UsageError(f"briefs do not speak {language!r}; they speak {', '.join(sorted(known))}")
    return known[language]


def _titles(material: BriefMaterial) -> list[Line]:
    """The name and what is asked most, each once."""
    page = material.page
    texts = [(page.name, page.language)]
    texts += [(part.text, part.language) for part in material.inside.subquestions if part.kind == Kind.QUESTION]
    texts += [(point.voice.text, point.voice.language) for point in page.questions]
    origin = Origin.MAIL if page.ranked.topic.named_by == "machine" else Origin.FILE
    lines = [Line(shorten(one_line(text), TITLE_LETTERS), Origin.MAIL, language=language) for text, language in texts]
    lines[0] = Line(lines[0].text, origin, language=lines[0].language)
    return _each_once(lines)[:MOST_TITLES]


def _reader(page: TopicPage, words: Mapping[str, Any]) -> list[Line]:
    ranked = page.ranked
    asked = words["reader_asked"].format(companies=_companies(ranked.companies, words), recent=ranked.companies_recent)
    ideal = f" {words['reader_ideal'].format(n=ranked.ideal)}" if ranked.ideal else ""
    return [
        Line(words["stage"][ranked.topic.stage], Origin.FILE),
        Line(asked + ideal, Origin.COUNTED),
        *_facets(page.facets, words),
    ]


def _facets(facets: TopicFacets, words: Mapping[str, Any]) -> list[Line]:
    """What the readers compare us with, and which reason to buy they speak of."""
    named = [f"{one.name} ({_companies(one.companies, words)})" for one in facets.mentions[:MOST_NAMED]]
    lines = [Line(words["reader_named"].format(names=", ".join(named)), Origin.COUNTED)] if named else []
    if facets.supports:
        lines.append(Line(words["reader_reason"].format(reason=facets.supports[0].reason), Origin.FILE))
    return lines


def _from_file(texts: Iterable[str], **values: str) -> list[Line]:
    return [Line(text.format(**values) if values else text, Origin.FILE) for text in texts]


def _short_answer(page: TopicPage, frame: Frame, words: Mapping[str, Any]) -> list[Line]:
    bests = [group.best for group in page.answers]
    best = next((answer for answer in bests if answer.language == frame.language), bests[0] if bests else None)
    if best is None:
        return []
    note = words["answered"].format(author=best.author or words["somebody"], day=frame.day(best.day, year=True))
    return [Line(shorten(one_line(best.plain), ANSWER_LETTERS), Origin.MAIL, note, best.language)]


def _must_answer(material: BriefMaterial, words: Mapping[str, Any]) -> list[Line]:
    """The parts of the question; the questions themselves where it has no parts."""
    asked = {_letters(point.voice.text): point.companies for point in material.page.questions}
    outline = [part for part in material.inside.subquestions if part.kind == Kind.QUESTION]
    told = {insight for part in outline for insight in part.insights}
    parts = [
        Line(
            shorten(one_line(part.text), LINE_LETTERS),
            Origin.MAIL,
            # The same words of several companies lie apart when they were never compared.
            _companies(max(part.companies, asked.get(_letters(part.text), 0)), words),
            part.language,
        )
        for part in outline
    ]
    points = [
        Line(
            shorten(point.voice.text, LINE_LETTERS),
            Origin.MAIL,
            _companies(point.companies, words),
            point.voice.language,
        )
        for point in material.page.questions
        if point.voice.id not in told
    ]
    return _each_once([*parts, *points])[:MOST_MUST]


def _worries(page: TopicPage, frame: Frame, words: Mapping[str, Any]) -> list[Line]:
    return [
        Line(
            shorten(point.voice.text, LINE_LETTERS),
            Origin.MAIL,
            f"{words['kind'][point.voice.kind]}, {_said(point.voice, frame, words)}",
            point.voice.language,
        )
        for point in _alternating(page.pains, page.needs)
    ][:MOST_WORRIES]


def _limits(page: TopicPage, frame: Frame, words: Mapping[str, Any]) -> list[Line]:
    """Sentences of answers that say for whom it is not."""
    lines = []
    for answer in _all_answers(page):
        phrases = _load_limits().get(answer.language, ())
        for sentence in _SENTENCE_END.split(answer.plain):
            if any(phrase in sentence.casefold() for phrase in phrases):
                note = words["from_mail_plain"].format(
                    author=answer.author or words["somebody"], day=frame.day(answer.day, year=True)
                )
                lines.append(Line(shorten(one_line(sentence), LINE_LETTERS), Origin.MAIL, note, answer.language))
    return _each_once(lines)[:MOST_LIMITS]


def _words_to_use(material: BriefMaterial, words: Mapping[str, Any]) -> list[Line]:
    theirs = [(pair.theirs, pair.companies) for pair in material.inside.vocabulary if pair.theirs]
    used = [*theirs, *((word.text, word.companies) for word in material.inside.keywords)]
    lines = [Line(text, Origin.MAIL, words["uses"].format(companies=_companies(count, words))) for text, count in used]
    return _each_once(lines)[:MOST_WORDS]


def _words_to_avoid(material: BriefMaterial, words: Mapping[str, Any]) -> list[Line]:
    lines = []
    for pair in material.inside.vocabulary:
        said = words["we_say" if pair.theirs else "we_say_alone"]
        lines.append(Line(pair.ours, Origin.MAIL, said.format(answers=pair.answers, theirs=pair.theirs)))
    return _each_once(lines)[:MOST_AVOIDED]


def _quotes(page: TopicPage, frame: Frame, words: Mapping[str, Any], told: set[str]) -> list[Line]:
    """Voices of several companies, of every kind; those first that say something else than the lines above."""
    points = _alternating(page.pains, page.needs, page.questions)
    points.sort(key=lambda point: _letters(shorten(point.voice.text, LINE_LETTERS)) in told)  # stable
    lines, companies = [], set()
    for point in points:
        if point.voice.company not in companies:
            companies.add(point.voice.company)
            said = _said(point.voice, frame, words)
            lines.append(Line(cut_quote(point.voice.text), Origin.MAIL, said, point.voice.language))
    return _each_once(lines)[:MOST_QUOTES]


def _facts(material: BriefMaterial, frame: Frame, words: Mapping[str, Any]) -> list[Line]:
    lines = []
    for fact in material.page.facts:
        subject, sent_on = material.sources.get((fact.author, fact.day.isoformat()), ("", fact.day))
        day = frame.day(sent_on, year=True)
        said = words["from_mail" if subject else "from_mail_plain"]
        note = said.format(author=fact.author or words["somebody"], day=day, subject=shorten(subject, SUBJECT_LETTERS))
        lines.append(Line(shorten(fact.text, LINE_LETTERS), Origin.MAIL, note))
    return lines[:MOST_FACTS]


def _conflicts(conflicts: Sequence[ShownConflict], expert: str, words: Mapping[str, Any]) -> list[Line]:
    lines = []
    for conflict in conflicts[:MOST_CONFLICTS]:
        values = " / ".join(side.value for side in conflict.sides)
        told = words["deny" if conflict.kind == "yes-no" else "differ"].format(values=values, expert=expert)
        quotes = " – ".join(f"“{shorten(side.sentence, LINE_LETTERS)}”" for side in conflict.sides[:2])
        lines.append(Line(told, Origin.COUNTED, quotes))
    return lines


def _interview(material: BriefMaterial, words: Mapping[str, Any]) -> list[Line]:
    """What the mails leave open, then what an expert is always asked; three in all."""
    lines = []
    for conflict in material.page.conflicts[:1]:
        values = " / ".join(side.value for side in conflict.sides)
        asked = words["yes_or_no"] if conflict.kind == "yes-no" else words["which_holds"].format(values=values)
        lines.append(Line(asked, Origin.COUNTED))
    lines += [
        Line(shorten(point.voice.text, LINE_LETTERS), Origin.MAIL, language=point.voice.language)
        for point in unanswered_questions(material.page)[:2]
    ]
    return [*lines, *_from_file(words["interview"]["questions"])][:MOST_ASKED]


def unanswered_questions(page: TopicPage) -> tuple[Point, ...]:
    """Questions to which no mail holds an answer."""
    return tuple(point for point in page.questions if not any(voice.answered for voice in (point.voice, *point.others)))


def _pages(page: TopicPage, words: Mapping[str, Any]) -> list[Line]:
    lines = [Line(page.page_url, Origin.FILE, words["published"], href=page.page_url)] if page.page_url else []
    for known in page.pages:
        if known.href != page.page_url and not known.is_gone:
            note = words["known"].format(coverage=words["coverage"][known.coverage], reason=known.reason)
            lines.append(Line(known.label, Origin.FILE, note.rstrip("; "), href=known.href))
    for link in page.links:
        note = words["sent_one" if link.count == 1 else "sent_many"].format(n=link.count)
        lines.append(Line(shorten(link.href or link.label, LINK_LETTERS), Origin.MAIL, note, href=link.href))
    seen: dict[str, Line] = {}
    for line in lines:
        seen.setdefault(line.href or line.text, line)
    return list(seen.values())[:MOST_PAGES]


def _companies(count: int, words: Mapping[str, Any]) -> str:
    return str(words["companies_one" if count == 1 else "companies_many"].format(n=count))


def _said(voice: Voice, frame: Frame, words: Mapping[str, Any]) -> str:
    return str(words["said"].format(company=voice.company, day=frame.day(voice.day, year=True)))


def _all_answers(page: TopicPage) -> Iterable[ShownAnswer]:
    for group in page.answers:
        yield group.best
        yield from group.others


def _alternating(*kinds: Sequence[Point]) -> list[Point]:
    """The first of each kind, then the second of each."""
    longest = max(map(len, kinds), default=0)
    return [kind[place] for place in range(longest) for kind in kinds if place < len(kind)]


def _each_once(lines: Iterable[Line]) -> list[Line]:
    seen: dict[str, Line] = {}
    for line in lines:
        if line.text:
            seen.setdefault(_letters(line.text), line)
    return list(seen.values())


def _letters(text: str) -> str:
    return _LETTERS.sub("", text).casefold()


@cache
def _load_all() -> dict[str, dict[str, Any]]:
    files = [path for path in (data_folder() / "brief").glob("*.toml") if len(path.stem) == 2]
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in files}


@cache
def _load_limits() -> dict[str, tuple[str, ...]]:
    table = tomllib.loads((data_folder() / "brief" / "limits.toml").read_text(encoding="utf-8"))
    return {language: tuple(phrases) for language, phrases in table.items()}
