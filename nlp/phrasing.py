"""Weighs how well a sentence is understood without the mail around it. Pure; words and weights are data.

A name, a heading or a line of an outline has to say by itself what is asked: no "they" of whom nothing was said, no
story around the question, nobody's name, no longer than a line.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any

from harvester.resources import data_folder
from nlp.records import Kind, StoredInsight
from nlp.wording import word_forms, words_in

MIN_WORDS, MAX_WORDS = 4, 14
MAX_LETTERS = 90
TELLING_WORDS = 2
MOST_SHARED, MOST_ANSWERED, MOST_TELLING = 4, 3, 5
MOST_OWN_NAMES, MOST_OWN_WORDS = 2, 4
USUAL_OWN_WORDS = 2  # where nobody knows which words are general in a language
TORN_SHARE = 0.8  # of the text; cleaning takes away less
ANTECEDENT_WORDS = 2  # that tell something, before a pronoun: "can you deliver what they accept?" has but a verb
SENTENCE_ENDS = (". ", "! ", "? ", "… ")
_DIGIT = re.compile(r"\d")
_SENTENCE_END = re.compile(r"[.!?…:\"“„]")
_LISTS = (
    "stand_ins",
    "pointers",
    "loose",
    "vague",
    "dependent_starts",
    "sloppy",
    "reported",
    "pointing_that_after",
    "question_starts",
    "numbers",
    "asking_words",
    "verbs_asking",
    "subjects",
    "openings",
    "openings_before_comma",
    "relative",
    "preambles",
    "capitals",
    "first_persons",
    "also_asking",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known around the sentence. people: words of their names, lower case.

    language: that most buyers write, "" when none is preferred; local: the one of this topic when hardly anybody in it
    writes that. shared: stems that several companies of the topic use;
    answered: stems that several answers hold. names: words with a capital that several companies use.
    general: by language, stems that buyers of any trade use; what is in none of these is one customer's own matter.
    most_words: of a sentence that is not too long.
    """

    people: Collection[str] = ()
    language: str = ""
    local: str = ""
    shared: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    general: Mapping[str, frozenset[str]] = field(default_factory=dict)
    most_words: int = MAX_WORDS


NO_SETTING = Setting()


@dataclass(frozen=True, slots=True)
class _Sentence:
    """spelled: the words as written. words: in lower case. stems: of the telling ones, "" for the others.

    telling: how many different stems tell something.
    """

    text: str
    spelled: Sequence[str]
    words: Sequence[str]
    stems: Sequence[str]
    telling: int


def weigh_phrasing(insight: StoredInsight, setting: Setting = NO_SETTING, text: str | None = None) -> float:
    """How many places in the order of centrality its blemishes are worth; about 0 for a good question.

    text: what is to be read instead of the insight's whole text; a part of it.
    """
    said = insight.text if text is None else text
    spelled = words_in(said)
    forms = word_forms(insight.language)
    stems = [forms[word] for word in spelled]
    known = frozenset(stems)
    sentence = _Sentence(said, spelled, lower_words(spelled), stems, len(known) - ("" in known))
    cost = _load_costs()
    is_torn = len(said) < TORN_SHARE * len(insight.text)
    # Each tells only what it found: most sentences have few blemishes, and a site weighs a hundred thousand sentences.
    blemishes = chain(
        _of_kind(insight, said, setting),
        _of_length(sentence, load_lists(insight.language)["numbers"], setting.most_words),
        _of_hanging(sentence, insight.language, is_torn=is_torn),
    )
    return (
        sum(cost[blemish] * times for blemish, times in blemishes)
        + cost["person"] * (bool(setting.people) and any(word in setting.people for word in sentence.words))
        + cost["own_name"] * _count_own_names(sentence, insight.language, setting)
        + cost["own_word"] * _count_own_words(known, insight.language, setting)
        + cost["torn_alone"]
        * (is_torn and bool(setting.general) and known.isdisjoint(setting.shared | setting.answered))
        + cost["telling_word"] * min(MOST_TELLING, sentence.telling)
        + cost["shared_word"] * min(MOST_SHARED, len(known & setting.shared))
        + cost["typical_answer"] * min(MOST_ANSWERED, len(known & setting.answered))
    )


def lower_words(spelled: Sequence[str]) -> list[str]:
    """As the lists of data/insights/naming.toml have them."""
    return [word.casefold().replace("’", "'") if "’" in word else word.casefold() for word in spelled]


def opens_question(text: str, language: str) -> bool:
    """Whether its first word asks: "how", "can", "is". False in languages without a list."""
    words = words_in(text)
    return bool(words) and words[0].casefold().replace("’", "'") in load_lists(language)["question_starts"]


def asks_plainly(text: str, language: str) -> bool:
    """Whether its first two words ask, question mark or not: "what does ... cost", "do you ..."."""
    words = [word.casefold().replace("’", "'") for word in words_in(text)[:2]]
    lists = load_lists(language)
    if len(words) < 2:
        return False
    return (words[0] in lists["asking_words"] and words[1] in lists["verbs_asking"]) or (
        words[0] in lists["verbs_asking"] and words[1] in lists["subjects"]
    )


def _of_kind(insight: StoredInsight, said: str, setting: Setting) -> Iterator[tuple[str, int]]:
    if insight.kind is Kind.PAIN:
        yield "pain", 1
    if insight.kind is Kind.NEED:
        yield "need", 1
    if insight.kind is Kind.QUESTION and not said.rstrip(" \"'”’»)").endswith("?"):
        yield ("story" if "?" in insight.text else "indirect"), 1
    if insight.inferred:
        yield "inferred", 1
    if insight.language == setting.local:
        yield "local", 1
    elif setting.language and insight.language != setting.language:
        yield "foreign", 1


def _of_length(sentence: _Sentence, numbers: frozenset[str], most_words: int) -> Iterator[tuple[str, int]]:
    text, count = sentence.text.strip(), len(sentence.words)
    if count < MIN_WORDS:
        yield "short", 1
    if len(text) > MAX_LETTERS:
        yield "long", 1
    if count > most_words:
        yield "word_too_many", count - most_words
    yield "more_sentences", sum(map(text.count, SENTENCE_ENDS))
    if sentence.telling < TELLING_WORDS:
        yield "plain", 1
    if _DIGIT.search(text):
        yield "figure", 1
    if not numbers.isdisjoint(sentence.words):
        yield "number_word", 1


def _of_hanging(sentence: _Sentence, language: str, *, is_torn: bool) -> Iterator[tuple[str, int]]:
    """What leans on something outside the sentence."""
    lists = load_lists(language)
    words = sentence.words
    present = frozenset(words)
    is_loose = not present.isdisjoint(lists["loose"])
    if is_loose:
        yield "loose", 1
    if is_torn:
        yield "torn", 1
        yield "torn_loose", is_loose
    yield "vague", len(present & lists["vague"])
    yield "sloppy", len(present & lists["sloppy"])
    if not present.isdisjoint(lists["stand_ins"]):
        first = next(place for place, word in enumerate(words) if word in lists["stand_ins"])
        yield "stand_in", sum(map(bool, sentence.stems[:first])) < ANTECEDENT_WORDS
    yield "pointer", min(2, len(present & lists["pointers"]) + _points_with_that(sentence, lists, language))
    if words and words[0] in lists["dependent_starts"]:
        # "Which means twice the work" goes on, "Which of them fits?" and "In which languages?" begin.
        begins = sentence.text.rstrip().endswith("?") and not lists["asking_words"].isdisjoint(words[:2])
        yield "dependent_start", not begins
    if words and words[0] in lists["first_persons"] and sentence.text.endswith("?"):
        # "I need to change the address?": only the mark asks.
        yield "mark_alone", "," not in sentence.text and lists["asking_words"].isdisjoint(words)
    lowered = sentence.text.casefold()
    if any(map(lowered.__contains__, lists["reported"])):
        yield "reported", 1


def _points_with_that(sentence: _Sentence, lists: dict[str, frozenset[str]], language: str) -> bool:
    """ "Does that cost extra?" points, "They say that it costs" does not; "das" points unless a noun follows."""
    words, spelled = sentence.words, sentence.spelled
    if "that" not in words and "das" not in words:
        return False
    if language == "en":
        before = lists["pointing_that_after"]
        return words[-1] == "that" or any(
            word == "that" and (not place or words[place - 1] in before) for place, word in enumerate(words)
        )
    if language == "de":
        return any(
            word == "das" and not any(after[0].isupper() for after in spelled[place + 1 : place + 3])
            for place, word in enumerate(words)
        )
    return False


def _count_own_words(known: frozenset[str], language: str, setting: Setting) -> int:
    """The gutting line of one buyer: neither of his trade's other buyers, nor of those of any trade, nor of answers."""
    if not setting.general:
        return 0
    general = setting.general.get(language)
    if general is None:
        return USUAL_OWN_WORDS
    return min(MOST_OWN_WORDS, len(known - general - setting.shared - setting.answered - {""}))


def _count_own_names(sentence: _Sentence, language: str, setting: Setting) -> int:
    """Capitals inside a sentence that no other company writes: places, people, products of one buyer."""
    if language == "de":  # every noun has one
        return 0
    own = {
        word
        for word in sentence.spelled
        if word[0].isupper() and len(word) > 2 and not word.startswith(("I'", "I’")) and word not in setting.names
    }
    own.difference_update(sentence.spelled[:1])
    if not own:
        return 0
    starts = {words[0] for piece in _SENTENCE_END.split(sentence.text) if (words := words_in(piece))}
    return min(MOST_OWN_NAMES, len(own - starts))


@cache
def _load_costs() -> dict[str, float]:
    return {name: float(cost) for name, cost in _load_file()["costs"].items()}


@cache
def load_lists(language: str) -> dict[str, frozenset[str]]:
    """By their names in data/insights/naming.toml; empty in languages without them."""
    lists = _load_file().get(language, {})
    return {name: frozenset(lists.get(name, ())) for name in _LISTS}


@cache
def _load_file() -> dict[str, dict[str, Any]]:
    return tomllib.loads((data_folder() / "insights" / "naming.toml").read_text(encoding="utf-8"))
