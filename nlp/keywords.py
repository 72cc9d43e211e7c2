"""Finds the words that set each topic apart: class-based TF-IDF, a topic being one document. Pure.

Weights count insights, not repetitions; what only one of several companies says is no keyword.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from nlp.inside_records import Keyword, Show, show_as_is
from nlp.wording import Exchange, best_spelling, spell_stems, word_forms, words_in

MOST_KEYWORDS = 8
LOOKED_AT = 24  # stems of highest weight, from which pairs are made
ENOUGH_COMPANIES = 3  # from here on, one company's word is no keyword
PAIR_SHARE = 0.5  # of the uses of its rarer word: then the pair says it better
MAX_GAP = 1  # silent words inside a pair: "price per seat"


def find_keywords(
    topics: Mapping[int, Sequence[Exchange]], show: Show = show_as_is, language: str = ""
) -> dict[int, tuple[Keyword, ...]]:
    """Topic id -> its keywords, used by most companies first. topics: id -> what was said in it.

    language: where several companies of a topic speak it, keywords are theirs alone; "" mixes all languages.
    """
    counts = {topic: _count_insights(exchanges) for topic, exchanges in topics.items()}
    overall: Counter[str] = Counter()
    for of_topic in counts.values():
        overall.update(of_topic)
    average = sum(overall.values()) / max(1, len(topics))
    return {
        topic: _choose(
            _speaking(exchanges, language),
            {stem: count * math.log(1 + average / overall[stem]) for stem, count in counts[topic].items()},
            show,
        )
        for topic, exchanges in topics.items()
    }


def _speaking(exchanges: Sequence[Exchange], language: str) -> Sequence[Exchange]:
    """Those in this language, all when hardly anybody speaks it."""
    spoken = [exchange for exchange in exchanges if exchange.insight.language == language]
    return spoken if len({exchange.insight.company for exchange in spoken}) > 1 else exchanges


def _count_insights(exchanges: Sequence[Exchange]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for exchange in exchanges:
        counts.update(exchange.theirs)
    return counts


def _choose(exchanges: Sequence[Exchange], weights: Mapping[str, float], show: Show) -> tuple[Keyword, ...]:
    companies = {exchange.insight.company for exchange in exchanges}
    least = 2 if len(companies) >= ENOUGH_COMPANIES else 1
    users = {
        stem: found
        for stem in sorted(weights, key=lambda stem: (-weights[stem], stem))[:LOOKED_AT]
        if len(found := {one.insight.company for one in exchanges if stem in one.theirs}) >= least
    }
    pairs = _find_pairs(exchanges, users)
    spellings = spell_stems(((one.insight.text, one.insight.language) for one in exchanges), frozenset(users))
    chosen: list[Keyword] = []
    covered: set[str] = set()
    for stems, spelling, used_by in (*pairs, *(((stem,), spellings[stem], len(users[stem])) for stem in users)):
        if not covered.intersection(stems) and is_harmless(spelling, show):
            covered.update(stems)
            chosen.append(Keyword(spelling, used_by))
    return tuple(sorted(chosen, key=lambda keyword: -keyword.companies)[:MOST_KEYWORDS])


def _find_pairs(exchanges: Sequence[Exchange], users: Mapping[str, set[str]]) -> list[tuple[tuple[str, ...], str, int]]:
    """(stems, spelling, companies) of words that mostly stand together, the strongest first."""
    used: dict[tuple[str, str], set[str]] = {}
    written: dict[tuple[str, str], Counter[str]] = {}
    for exchange in exchanges:
        if len(exchange.theirs & users.keys()) > 1:
            for pair, spelling in _neighbours(exchange, users):
                used.setdefault(pair, set()).add(exchange.insight.company)
                written.setdefault(pair, Counter())[spelling] += 1
    order = {stem: place for place, stem in enumerate(users)}
    together = [
        pair
        for pair, used_by in used.items()
        if len(used_by) >= 2 and len(used_by) >= PAIR_SHARE * min(len(users[stem]) for stem in pair)
    ]
    together.sort(key=lambda pair: (sum(order[stem] for stem in pair), pair))
    return [(pair, best_spelling(written[pair]), len(used[pair])) for pair in together]


def _neighbours(exchange: Exchange, known: Mapping[str, object]) -> list[tuple[tuple[str, str], str]]:
    """Neighbours that are both known, with at most one silent word between them, and how they are written."""
    words = words_in(exchange.insight.text)
    forms = word_forms(exchange.insight.language)
    stems = [forms[word] for word in words]
    telling = [place for place, stem in enumerate(stems) if stem]
    return [
        ((stems[one], stems[other]), " ".join(words[one : other + 1]))
        for one, other in pairwise(telling)
        if other - one <= MAX_GAP + 1 and stems[one] in known and stems[other] in known and stems[one] != stems[other]
    ]


def is_harmless(text: str, show: Show) -> bool:
    """Whether nothing of it is hidden from readers, however it is written."""
    return show(text) == text and show(text.title()) == text.title()
