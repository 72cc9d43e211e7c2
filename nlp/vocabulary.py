"""Sets the words of buyers against the words of the colleagues who answered them: "they say sign-in, we say SSO". Pure.

Two sources: words known to mean the same (data/insights/meanings.toml, which a company may extend), and words of ours
that answer a word of theirs far more often than chance would have it.
"""

import math
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

from harvester.resources import data_folder
from nlp.inside_records import Show, WordPair, show_as_is
from nlp.keywords import is_harmless
from nlp.wording import Exchange, spell_stems, stems_in

MOST_PAIRS = 8
LOOKED_AT = 8  # words of each side, the ones that most set the topic apart
MIN_COMPANIES = 3
MIN_SURPRISE = 2.0  # how many times as often as by chance a pair has to meet
MOST_UNSAID = 2
MIN_KNOWN_ANSWERS = 2
MIN_ANSWERS = 4  # that use a word of ours which no buyer ever wrote


def find_vocabulary(
    topics: Mapping[int, Sequence[Exchange]], show: Show = show_as_is
) -> dict[int, tuple[WordPair, ...]]:
    """Topic id -> pairs, those of most companies first; last our own words that no buyer uses."""
    answered = {topic: [one for one in exchanges if one.ours] for topic, exchanges in topics.items()}
    asked, replied = _count(answered, ours=False), _count(answered, ours=True)
    total = max(1, sum(map(len, answered.values())))
    found = {}
    for topic, exchanges in answered.items():
        pairs = _known_pairs(exchanges)
        pairs += _surprising_pairs(exchanges, asked, replied, total, {stem for pair in pairs for stem in pair[:2]})
        pairs += _unsaid_words(exchanges, asked, replied, {ours for _, ours, *_ in pairs})
        found[topic] = _spell(pairs, exchanges, show)
    return found


_Pair = tuple[str, str, int, int]  # stem of theirs, of ours, companies, answers


def _count(topics: Mapping[int, Sequence[Exchange]], *, ours: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    for exchanges in topics.values():
        for exchange in exchanges:
            counts.update(exchange.ours if ours else exchange.theirs)
    return counts


def _known_pairs(exchanges: Sequence[Exchange]) -> list[_Pair]:
    """Words of one meaning of which buyers prefer one and colleagues another."""
    theirs: dict[int, dict[str, set[str]]] = {}
    ours: dict[int, dict[str, set[str]]] = {}
    for exchange in exchanges:
        meanings = _load_meanings().get(exchange.insight.language, {})
        for stem in exchange.theirs & meanings.keys():
            for meaning in meanings[stem]:
                theirs.setdefault(meaning, {}).setdefault(stem, set()).add(exchange.insight.company)
        for stem in exchange.ours & meanings.keys():
            for meaning in meanings[stem]:
                ours.setdefault(meaning, {}).setdefault(stem, set()).add(exchange.insight.answer or "")
    pairs = []
    for meaning in sorted(theirs.keys() & ours.keys()):
        said, replied = theirs[meaning], ours[meaning]
        favourite = min(said, key=lambda stem: (-len(said[stem]), stem))
        reply = min(replied, key=lambda stem: (-len(replied[stem]), stem))
        if (
            favourite != reply
            and len(replied[reply]) >= MIN_KNOWN_ANSWERS
            and len(said.get(reply, ())) < len(said[favourite])
        ):
            pairs.append((favourite, reply, len(said[favourite]), len(replied[reply])))
    return sorted(pairs, key=lambda pair: (-pair[2], -pair[3], pair))


def _surprising_pairs(
    exchanges: Sequence[Exchange], asked: Counter[str], replied: Counter[str], total: int, taken: set[str]
) -> list[_Pair]:
    said = _places(exchanges, asked, ours=False)
    spoken = _places(exchanges, replied, ours=True)
    scored = []
    for theirs, asked_at in said.items():
        for ours, replied_at in spoken.items():
            met = {
                exchanges[place].insight.company
                for place in asked_at & replied_at
                if theirs not in exchanges[place].ours and ours not in exchanges[place].theirs
            }
            surprise = len(met) * total / (asked[theirs] * replied[ours])
            if len(met) >= MIN_COMPANIES and surprise >= MIN_SURPRISE:
                scored.append((-len(met) * math.log(surprise), theirs, ours, len(met), len(replied_at)))
    pairs = []
    used = set(taken)
    for _, theirs, ours, companies, answers in sorted(scored):
        if not used & {theirs, ours}:
            used |= {theirs, ours}
            pairs.append((theirs, ours, companies, answers))
    return pairs


def _places(exchanges: Sequence[Exchange], overall: Counter[str], *, ours: bool) -> dict[str, set[int]]:
    """The words of one side that most set this topic apart -> where they occur."""
    counts: Counter[str] = Counter()
    for exchange in exchanges:
        counts.update(exchange.ours if ours else exchange.theirs)
    frequent = [stem for stem, count in counts.items() if count >= MIN_COMPANIES]
    strongest = sorted(frequent, key=lambda stem: (-(counts[stem] ** 2) / overall[stem], stem))[:LOOKED_AT]
    sides = [exchange.ours if ours else exchange.theirs for exchange in exchanges]
    return {stem: {place for place, side in enumerate(sides) if stem in side} for stem in strongest}


def _unsaid_words(
    exchanges: Sequence[Exchange], asked: Counter[str], replied: Counter[str], taken: set[str]
) -> list[_Pair]:
    """What we say in several answers and no buyer wrote anywhere: words to explain or to avoid."""
    answers = {exchange.insight.answer or "": exchange.ours for exchange in exchanges}
    counts: Counter[str] = Counter()
    for stems in answers.values():
        counts.update(stems)
    unsaid = [stem for stem, count in counts.items() if count >= MIN_ANSWERS and not asked[stem] and stem not in taken]
    unsaid.sort(key=lambda stem: (-(counts[stem] ** 2) / replied[stem], stem))
    return [("", stem, 0, counts[stem]) for stem in unsaid[:MOST_UNSAID]]


def _spell(pairs: Sequence[_Pair], exchanges: Sequence[Exchange], show: Show) -> tuple[WordPair, ...]:
    if not pairs:
        return ()
    questions = spell_stems(
        ((one.insight.text, one.insight.language) for one in exchanges), frozenset(pair[0] for pair in pairs if pair[0])
    )
    answers = spell_stems(
        ((one.insight.answer or "", one.insight.language) for one in exchanges), frozenset(pair[1] for pair in pairs)
    )
    spelled = [
        WordPair(questions.get(theirs, ""), answers.get(ours, ""), companies, count)
        for theirs, ours, companies, count in pairs
    ]
    shown = [
        one for one in spelled if one.ours and all(is_harmless(word, show) for word in (one.theirs or "a", one.ours))
    ]
    return tuple(shown[:MOST_PAIRS])


@cache
def _load_meanings() -> dict[str, dict[str, tuple[int, ...]]]:
    """Language -> stem -> numbers of the meanings it belongs to."""
    table = tomllib.loads((data_folder() / "insights" / "meanings.toml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    number = 0
    for language, groups in table.items():
        known = found.setdefault(language, {})
        for words in groups:
            for stem in sorted({stem for word in words for stem in stems_in(word, language)}):
                known[stem] = (*known.get(stem, ()), number)
            number += 1
    return found
