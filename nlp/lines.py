"""Takes the sentences of a prospect out of a part: without greeting, sign-off and what follows it."""

import re
from dataclasses import dataclass

from nlp.patterns import PatternSet
from nlp.sentences import Sentence, split_sentences

MAX_SENTENCES = 400  # of one part; what is longer is a document, not a mail
MAX_CLOSING_WORDS = 6
MAX_NAME_WORDS = 4

_WORDS = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_EDGES = " ,.!:;-–—*_\t"


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a prospect with its surroundings.

    before, after: the sentences around it in the part, "" at its edges. starts, ends: whether its paragraph begins or
    stops with it. number, count: its place among the part's sentences.
    """

    text: str
    before: str
    after: str
    item: str
    paragraph: int
    starts: bool
    ends: bool
    number: int
    count: int


def read_lines(text: str, patterns: PatternSet) -> tuple[Line, ...]:
    """The sentences that carry what the writer wanted to say, in order."""
    sentences = split_sentences(text)[:MAX_SENTENCES]
    body = _without_ending(list(sentences), patterns)
    kept: list[Sentence] = []
    for sentence in body:
        stripped = strip_greeting(sentence.text, patterns)
        if count_words(stripped):
            kept.append(Sentence(stripped, sentence.paragraph, sentence.item, sentence.start))
    return tuple(
        Line(
            text=sentence.text,
            before=kept[number - 1].text if number else "",
            after=kept[number + 1].text if number + 1 < len(kept) else "",
            item=sentence.item,
            paragraph=sentence.paragraph,
            starts=number == 0 or kept[number - 1].paragraph != sentence.paragraph,
            ends=number + 1 == len(kept) or kept[number + 1].paragraph != sentence.paragraph,
            number=number,
            count=len(kept),
        )
        for number, sentence in enumerate(kept)
    )


def count_words(text: str) -> int:
    """How many words a text has; numbers count."""
    return len(_WORDS.findall(text))


def words_of(text: str) -> list[str]:
    """Its words in lower case."""
    return [word.lower() for word in _WORDS.findall(text)]


def strip_greeting(text: str, patterns: PatternSet) -> str:
    """The sentence without "Hi Ann," in front; "" when it is nothing but a greeting."""
    lower = text.lower()
    greeting = next(
        (
            known
            for known in sorted(patterns.words["greetings"], key=len, reverse=True)
            if lower.startswith(known) and not lower[len(known) : len(known) + 1].isalnum()
        ),
        None,
    )
    if greeting is None:
        return text
    head, mark, rest = _cut_at_first(text, ",:!.–")
    if mark and count_words(head) <= MAX_NAME_WORDS + len(greeting.split()):
        # "Hi, how are you?" greets; "Hello, I need a quote" goes on after the comma.
        return strip_greeting(rest.strip(), patterns) if rest.strip() else ""
    return "" if count_words(text) <= MAX_NAME_WORDS and "?" not in text else text


def _cut_at_first(text: str, marks: str) -> tuple[str, str, str]:
    position = min((place for mark in marks if (place := text.find(mark)) >= 0), default=-1)
    if position < 0:
        return text, "", ""
    return text[:position], text[position], text[position + 1 :]


def is_closing(text: str, patterns: PatternSet) -> bool:
    """Is this line a sign-off, with or without a name behind it?"""
    bare = text.lower().strip(_EDGES)
    if bare in patterns.words["closings"]:
        return True
    if count_words(text) > MAX_CLOSING_WORDS:
        return False
    head, mark, rest = _cut_at_first(bare, ",/")
    return bool(mark) and head.strip(_EDGES) in patterns.words["closings"] and count_words(rest) <= MAX_NAME_WORDS


def _without_ending(sentences: list[Sentence], patterns: PatternSet) -> list[Sentence]:
    """Cuts at the first sign-off line that has no question behind it, else at a name that stands alone at the end."""
    for place, sentence in enumerate(sentences):
        if place and is_closing(sentence.text, patterns) and _is_alone(sentences, place):
            rest = sentences[place + 1 :]
            if not any("?" in later.text and count_words(later.text) > MAX_NAME_WORDS for later in rest[:12]):
                return sentences[:place]
    while len(sentences) > 1 and _is_typed_name(sentences[-1]):
        sentences = sentences[:-1]
    return sentences


def _is_alone(sentences: list[Sentence], place: int) -> bool:
    paragraph = sentences[place].paragraph
    return place == 0 or sentences[place - 1].paragraph != paragraph


def _is_typed_name(sentence: Sentence) -> bool:
    words = sentence.text.strip(_EDGES).split()
    return (
        len(words) <= MAX_NAME_WORDS
        and not sentence.item
        and "?" not in sentence.text
        and all(word[:1].isupper() or word in "&-–|" for word in words)
    )
