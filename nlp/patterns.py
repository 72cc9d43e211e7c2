"""Compiles the phrases of data/insights/<language>.toml into spaCy Matchers and says which of them a sentence holds.

How phrases are written: words separated by spaces; `a|b` is either; `stem*` any ending; `(word)` may be missing;
`..` up to three words or commas; `#` a number; `^` in front: only at the start of the sentence.
"""

import itertools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from spacy.language import Language
from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.util import get_lang_class

from harvester.resources import data_folder

SUPPORTED = ("en", "de", "fr", "es", "it", "nl", "pt")
GAP = 3
SENTENCE_ENDS = [".", "!", "?", ";"]
OPENING = 14  # tokens, more than the longest phrase with its gaps
MAX_SENTENCE = 600  # characters that are looked at; nobody asks in longer sentences
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'"})


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that was found. section: its list in the file. phrase: as written there."""

    section: str
    phrase: str


@dataclass(frozen=True, slots=True)
class PatternSet:
    """The compiled phrases of one language."""

    language: str
    pipeline: Language
    anywhere: Matcher
    at_start: Matcher
    hits: dict[int, Hit]
    words: dict[str, frozenset[str]]

    def find(self, sentence: str) -> tuple[Hit, ...]:
        """The phrases that the sentence holds, each once."""
        doc = self.pipeline.make_doc(sentence[:MAX_SENTENCE].translate(_APOSTROPHES))
        found = {self.hits[key]: None for key, _, _ in self.anywhere(doc)}
        for start in sorted({0, self._first_own_word(doc)}):
            # Looking only at the opening makes these phrases, a third of all, nearly free.
            matches = self.at_start(doc[start : start + OPENING])
            found.update((self.hits[key], None) for key, begin, _ in matches if begin == 0)
        return tuple(found)

    def _first_own_word(self, doc: Doc) -> int:
        """Where the sentence begins once "And", "So," and the like are taken away."""
        openers = self.words.get("openers", frozenset())
        for token in doc:
            if not token.is_punct and token.lower_ not in openers:
                return int(token.i)
        return 0


@cache
def load_patterns(language: str) -> PatternSet:
    """The patterns of that language; those of English when there are none."""
    language = language if language in SUPPORTED else "en"
    content = tomllib.loads((data_folder() / "insights" / f"{language}.toml").read_text(encoding="utf-8"))
    pipeline = get_lang_class(language)()
    anywhere, at_start = (Matcher(pipeline.vocab, validate=False) for _ in range(2))
    hits: dict[int, Hit] = {}
    for section, phrases in (content["phrases"] | content["inferred"]).items():
        for phrase in phrases:
            key = f"{section}: {phrase}"
            matcher = at_start if phrase.startswith("^") else anywhere
            matcher.add(key, list(compile_phrase(phrase, pipeline)))
            hits[pipeline.vocab.strings[key]] = Hit(section, phrase)
    words = {name: frozenset(value) for name, value in content["words"].items()}
    return PatternSet(language, pipeline, anywhere, at_start, hits, words)


def compile_phrase(phrase: str, pipeline: Language) -> Iterator[list[dict[Any, Any]]]:
    """The Matcher patterns of one phrase; several when its alternatives differ in their number of tokens."""
    choices = [list(_compile_word(word, pipeline)) for word in phrase.removeprefix("^").split()]
    for combination in itertools.product(*choices):
        yield [token for tokens in combination for token in tokens]


def _compile_word(word: str, pipeline: Language) -> Iterator[list[dict[Any, Any]]]:
    if word == "..":
        yield [{"TEXT": {"NOT_IN": SENTENCE_ENDS}, "OP": f"{{0,{GAP}}}"}]
        return
    if word == "#":
        yield [{"LIKE_NUM": True}]
        return
    is_optional = word.startswith("(") and word.endswith(")") and len(word) > 2
    plain, multiple = [], []
    stems = []
    for alternative in (word[1:-1] if is_optional else word).split("|"):
        if alternative.endswith("*") and len(alternative) > 1:
            stems.append(alternative[:-1])
            continue
        tokens = [token.lower_ for token in pipeline.make_doc(alternative)]
        if len(tokens) == 1:
            plain.append(tokens[0])
        else:
            multiple.append(tokens)
    if stems:
        yield [_token({_stem_flag(tuple(stems), frozenset(plain), pipeline): True}, is_optional)]
    elif plain:
        yield [_token({"LOWER": {"IN": plain} if len(plain) > 1 else plain[0]}, is_optional)]
    for tokens in multiple:
        yield [_token({"LOWER": text}, is_optional) for text in tokens]


def _stem_flag(stems: tuple[str, ...], words: frozenset[str], pipeline: Language) -> int:
    # A lexeme flag is worked out once per word of the vocabulary; REGEX would be for every token and pattern.
    return int(pipeline.vocab.add_flag(lambda text: text.lower().startswith(stems) or text.lower() in words))


def _token(pattern: dict[Any, Any], is_optional: bool) -> dict[Any, Any]:
    return pattern | {"OP": "?"} if is_optional else pattern
