"""Finds what prospects ask, suffer from and look for in their parts of a mail. Pure: same parts, same insights.

The patterns of data/insights/ propose; a sentence model, when passed in, decides with their hits among its features.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from harvester.records import Part, Role
from nlp.candidates import Candidate, find_candidates
from nlp.facets import category_of, stage_of
from nlp.inference import infer_questions
from nlp.lines import count_words, words_of
from nlp.pairing import pair_answers
from nlp.patterns import PatternSet, load_patterns
from nlp.records import Insight, Kind
from nlp.sellers import Correspondence, read_correspondence
from nlp.wording import stems_in

VETOES = ("not_scheduling", "not_courtesy", "not_resend", "not_reported", "not_rhetorical", "not_social", "not_own")
MAX_TAG_WORDS = 3  # "possible?", "is that right?" belong to the sentence before
MAX_TAIL_WORDS = 8  # "Meals, overtime at 110 %, all that?" goes on with the question before
MAX_BARE_WORDS = 4
MIN_CLAUSE_WORDS = 5
SURE = 0.9
MAX_INSIGHT = 600  # characters of a quote
MAX_STORY = 360  # characters of a pain told in several sentences
MAX_SHORT_WORDS = 8  # a question of so few words seldom says what it is about
MIN_CONTEXT_WORDS = 3  # that tell something, numbers included, in a sentence that a longer question carries along
MAX_CONTEXT = 40  # characters of context that a question may carry in its text, besides as many as it has itself

RULE_CONFIDENCE = {"question_mark": 0.9, "question_start": 0.8, "question_indirect": 0.75, "need": 0.7, "pain": 0.6}

_JOINT = re.compile(r"[,;]? (\w{1,4})(?= \w)")
_FINGERPRINT = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a sentence is. rule: the phrase or model that said so. confidence: 0 to 1."""

    kind: Kind
    confidence: float
    rule: str


class SentenceModel(Protocol):
    """Decides over sentences better than rules do; see nlp/sentence_model.py."""

    def decide(self, candidates: Sequence[Candidate]) -> list[Decision | None]:
        """One decision per candidate, None for a sentence that is no insight."""
        ...

    def facets(self, insights: Sequence[Insight]) -> list[tuple[str, str]]:
        """(category, stage) of each insight."""
        ...

    def are_sellers(self, letters: Sequence[Correspondence]) -> list[bool]:
        """Whether each mail was written by somebody who sells to the colleague; see nlp/sellers.py."""
        ...


@dataclass(frozen=True, slots=True)
class Extracted:
    """What one mail gave. is_offer: somebody sells to the colleague in it, so nothing was taken."""

    insights: tuple[Insight, ...]
    is_offer: bool = False


def extract_insights(
    parts: tuple[Part, ...], *, subject: str = "", model: SentenceModel | None = None, heard: bool = False
) -> tuple[Insight, ...]:
    """What the prospects of one mail expressed, in reading order, each once.

    subject: only a hint for the language. heard: the mail is a note; its own text is read as a prospect's.
    """
    return extract_from_many([(parts, subject, heard)], model)[0]


def extract_from_many(
    mails: Sequence[tuple[tuple[Part, ...], str, bool]], model: SentenceModel | None = None
) -> list[tuple[Insight, ...]]:
    """The same for many mails (parts, subject, heard) at once: the model embeds all their sentences together."""
    return [one.insights for one in extract_and_tell(mails, model)]


def extract_and_tell(
    mails: Sequence[tuple[tuple[Part, ...], str, bool]], model: SentenceModel | None = None
) -> list[Extracted]:
    """The same, and which mails are offers."""
    candidates = [find_candidates(parts, subject, heard=heard) for parts, subject, heard in mails]
    flat = [candidate for of_mail in candidates for candidate in of_mail]
    decisions = model.decide(flat) if model else [decide_by_rules(candidate) for candidate in flat]
    found = []
    start = 0
    for (parts, _, _), of_mail in zip(mails, candidates, strict=True):
        decided = decisions[start : start + len(of_mail)]
        insights = _with_answers(_collect(of_mail, decided), parts)
        found.append(insights or _inferred_where_nothing_is_quoted(parts, of_mail))
        start += len(of_mail)
    offers = _find_offers(mails, candidates, found, model) if model else set()
    for place in offers:
        found[place] = []
    return [Extracted(insights, place in offers) for place, insights in enumerate(_with_facets(found, model))]


def _find_offers(
    mails: Sequence[tuple[tuple[Part, ...], str, bool]],
    candidates: Sequence[list[Candidate]],
    found: Sequence[list[Insight]],
    model: SentenceModel,
) -> set[int]:
    """Places of the mails. A note is none: it is the colleague's own word that a prospect said it."""
    asked = [place for place, (_, _, heard) in enumerate(mails) if found[place] and candidates[place] and not heard]
    sellers = model.are_sellers([read_correspondence(mails[place][0], candidates[place]) for place in asked])
    return {place for place, is_seller in zip(asked, sellers, strict=True) if is_seller}


def decide_by_rules(candidate: Candidate) -> Decision | None:
    """The first kind whose phrases the sentence holds, unless it is about appointments, courtesy and the like."""
    sections = {hit.section for hit in candidate.hits}
    if is_vetoed(candidate):
        return None
    if "?" in candidate.line.text:
        return Decision(Kind.QUESTION, RULE_CONFIDENCE["question_mark"], "question mark")
    for section, kind in (
        ("question_start", Kind.QUESTION),
        ("question_indirect", Kind.QUESTION),
        ("need", Kind.NEED),
        ("pain", Kind.PAIN),
    ):
        if section in sections and not (section == "pain" and "not_pain" in sections):
            phrase = next(hit.phrase for hit in candidate.hits if hit.section == section)
            return Decision(kind, RULE_CONFIDENCE[section], f"{section}: {phrase}"[:80])
    return None


def is_vetoed(candidate: Candidate) -> bool:
    """Whether a phrase says that the sentence is about appointments, courtesy and the like."""
    return any(hit.section in VETOES for hit in candidate.hits)


def fingerprint(text: str) -> str:
    """Its letters and digits in lower case: the same words again, whatever the quoting did to them."""
    return _FINGERPRINT.sub("", text).lower()


def _collect(candidates: list[Candidate], decisions: Sequence[Decision | None]) -> list[Insight]:
    insights: dict[str, Insight] = {}
    for place, (candidate, decision) in enumerate(zip(candidates, decisions, strict=True)):
        if decision is None:
            continue
        last = _last_of_same_breath(candidates, decisions, place, list(insights.values()))
        if last is not None and _goes_on(last, candidate, decision) and not _leads_up(candidates, decisions, place):
            del insights[fingerprint(last.text)]
            merged = replace(last, text=f"{last.text} {candidate.line.text}", kind=decision.kind)
            insights.setdefault(fingerprint(merged.text), merged)
            continue
        for insight in _insights_of(candidate, decision, stands_free=last is None and not candidate.line.starts):
            insights.setdefault(fingerprint(insight.text), insight)
    return list(insights.values())


def _last_of_same_breath(
    candidates: list[Candidate], decisions: Sequence[Decision | None], place: int, insights: list[Insight]
) -> Insight | None:
    """The insight that the sentence directly before this one gave, when both stand in one paragraph."""
    if not place or not insights or decisions[place - 1] is None or candidates[place].line.starts:
        return None
    before = candidates[place - 1]
    return insights[-1] if insights[-1].text.endswith(before.line.text[-MAX_INSIGHT:]) else None


def _goes_on(last: Insight, candidate: Candidate, decision: Decision) -> bool:
    """One story told in two sentences, or "Managers must only see their own. Possible?"."""
    if len(last.text) + len(candidate.line.text) >= MAX_STORY:
        return False
    if last.kind is Kind.PAIN and decision.kind is Kind.PAIN:
        return True
    if decision.kind is not Kind.QUESTION:
        return False
    n_words = count_words(candidate.line.text)
    if "?" in candidate.line.text and n_words <= MAX_TAG_WORDS:
        return True
    return _leans_on_question(last, candidate, n_words) or _is_mere_context(last, candidate)


def _leads_up(candidates: list[Candidate], decisions: Sequence[Decision | None], place: int) -> bool:
    """ "I put that off. Somebody said it reads manuals. Is that real?": the second one is the question's, no story."""
    decision, follower = decisions[place], place + 1
    if decision is None or decision.kind is Kind.QUESTION or not _is_mere_statement(decision.rule, decision.confidence):
        return False
    if follower == len(candidates) or candidates[follower].line.starts:
        return False
    asked, question = decisions[follower], candidates[follower]
    is_question = asked is not None and asked.kind is Kind.QUESTION
    return is_question and needs_context(question.line.text, load_patterns(question.language))


def _leans_on_question(last: Insight, candidate: Candidate, n_words: int) -> bool:
    """ "Does it pass through you? If so, whose is it?" and "You know that agreement? Meals, overtime, all that?" """
    if last.kind is not Kind.QUESTION or not last.text.endswith("?"):
        return False
    patterns = load_patterns(candidate.language)
    if any(hit.section == "follow_up" for hit in candidate.hits):
        return True
    is_whole = any(hit.section.startswith("question_") for hit in candidate.hits)
    speaks = not patterns.words["speakers"].isdisjoint(words_of(candidate.line.text))
    return n_words <= MAX_TAIL_WORDS and "?" in candidate.line.text and not is_whole and not speaks


def _is_mere_context(last: Insight, candidate: Candidate) -> bool:
    """ "We hold files back to 1974. I would like to know whether they may stay." asks one thing."""
    is_stated = not last.text.rstrip().endswith("?") and last.rule == "model"
    leads_up = last.kind is Kind.QUESTION or _is_mere_statement(last.rule, last.confidence)
    return is_stated and leads_up and needs_context(candidate.line.text, load_patterns(candidate.language))


def _is_mere_statement(rule: str, confidence: float) -> bool:
    """Taken without any telling word, and not surely."""
    return rule == "model" and confidence < SURE


def _insights_of(candidate: Candidate, decision: Decision, *, stands_free: bool) -> list[Insight]:
    line = candidate.line
    insight = Insight(
        kind=decision.kind,
        text=line.text[:MAX_INSIGHT],
        part=candidate.part,
        confidence=decision.confidence,
        rule=decision.rule,
        category="other",
        stage="consideration",
        language=candidate.language,
    )
    if decision.kind is not Kind.QUESTION:
        return [insight]
    patterns = load_patterns(candidate.language)
    needs = needs_context(line.text, patterns)
    if stands_free and line.before and (needs or count_words(line.text) <= MAX_SHORT_WORDS):
        is_short = count_words(line.text) <= MAX_SHORT_WORDS
        limit = MAX_STORY if needs and is_short else MAX_CONTEXT + (1 + is_short) * len(line.text)
        if len(line.before) <= limit and (is_short or _tells_something(line.before, candidate.language)):
            return [replace(insight, text=f"{line.before} {line.text}"[:MAX_INSIGHT], context=line.before)]
    context = line.before if needs else ""
    return [replace(insight, text=text, context=context) for text in split_questions(line.text, patterns)]


def _tells_something(sentence: str, language: str) -> bool:
    """ "Last one, promise." before a long question is none of its context."""
    return len(stems_in(sentence, language)) + len(_NUMBER.findall(sentence)) >= MIN_CONTEXT_WORDS


def needs_context(question: str, patterns: PatternSet) -> bool:
    """Does the question point at something said before it? "Would that work?" does."""
    words = words_of(question)
    pointing = patterns.words["anaphora"]
    return len(words) <= MAX_BARE_WORDS or any(word in pointing for word in words)


def split_questions(sentence: str, patterns: PatternSet) -> list[str]:
    """Two whole questions joined by "and" are two when their words tell different categories.

    Else the second goes on about the first: of thirty such sentences in two labelled mailboxes one asked two things.
    """
    sentence = sentence[:MAX_INSIGHT]
    for match in _JOINT.finditer(sentence):
        if match.group(1).lower() not in patterns.words["conjunctions"]:
            continue
        first, second = sentence[: match.start()], sentence[match.end() + 1 :]
        if _asks_alone(first, second, patterns):
            return [f"{first.rstrip(' ,;')}?", second[:1].upper() + second[1:]]
    return [sentence]


def _asks_alone(first: str, second: str, patterns: PatternSet) -> bool:
    first_words, second_words = words_of(first), words_of(second)
    if min(len(first_words), len(second_words)) < MIN_CLAUSE_WORDS or not second.endswith("?"):
        return False
    if second_words[0] not in patterns.words["question_words"] and not _opens_question(second, patterns):
        return False
    categories = {category_of(clause, Kind.QUESTION) for clause in (first, second)}
    is_new_subject = len(categories) == 2 and "other" not in categories
    return is_new_subject and _opens_question(first, patterns) and not needs_context(second, patterns)


def _opens_question(clause: str, patterns: PatternSet) -> bool:
    return any(hit.section == "question_start" for hit in patterns.find(clause))


def _with_answers(insights: list[Insight], parts: tuple[Part, ...]) -> list[Insight]:
    answers = pair_answers(insights, parts)
    return [replace(insight, answer=answer) for insight, answer in zip(insights, answers, strict=True)]


def _inferred_where_nothing_is_quoted(parts: tuple[Part, ...], candidates: list[Candidate]) -> list[Insight]:
    if candidates:
        return []
    return [
        insight
        for index, part in enumerate(parts)
        if part.role is Role.OWN
        for insight in infer_questions(part.text, index)
    ]


def _with_facets(found: list[list[Insight]], model: SentenceModel | None) -> list[tuple[Insight, ...]]:
    flat = [insight for of_mail in found for insight in of_mail]
    by_words = [(category_of(insight.text, insight.kind), stage_of(insight.text, insight.kind)) for insight in flat]
    facets = model.facets(flat) if model else by_words
    labelled = iter(
        replace(insight, category=category, stage=stage)
        for insight, (category, stage) in zip(flat, facets, strict=True)
    )
    return [tuple(next(labelled) for _ in of_mail) for of_mail in found]
