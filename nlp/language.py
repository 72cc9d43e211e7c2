"""Says in which language a text is written. Offline, the same answer every time; short texts lean on a hint."""

import re
import tomllib
from functools import cache
from typing import Any

from harvester.resources import data_folder

LANGUAGES = tuple(
    "ar bg ca cs da de el en es et fi fr he hr hu it ja ko lt lv nl no pl pt ro ru sk sl sv tr uk zh".split()  # noqa: SIM905
)
MODEL = "data/model.npz.xz"  # the one that py3langid ships
MIN_LETTERS = 24
MAX_CHARACTERS = 800
MIN_STOPWORDS = 2

_WORDS = re.compile(r"[^\W\d_]+")


def detect_language(text: str, hint: str = "en") -> str:
    """ISO 639-1 code of the language of `text`.

    hint: what is returned when the text is too short or too odd to tell.
    """
    text = text[:MAX_CHARACTERS]
    words = [word.lower() for word in _WORDS.findall(text)]
    if not words:
        return hint
    by_stopwords = _most_stopwords(words, hint)
    is_foreign_script = not any(word[0] < "\u0370" for word in words)
    if not is_foreign_script and sum(map(len, words)) < MIN_LETTERS:
        return by_stopwords or hint
    language, confidence = _classify(text)
    if by_stopwords and by_stopwords != language and (confidence < 0.9 or language not in _stopwords()):
        # A text full of product names looks like anything to the model; its little words do not lie.
        return by_stopwords
    return language


def _most_stopwords(words: list[str], hint: str) -> str | None:
    # The commonest little words decide short texts better than any n-gram model does.
    counts = {language: sum(word in known for word in words) for language, known in _stopwords().items()}
    best = max(counts, key=lambda language: (counts[language], language == hint))
    ranked = sorted(counts.values(), reverse=True)
    is_clear = ranked[0] >= MIN_STOPWORDS and (ranked[0] > ranked[1] or best == hint)
    return best if is_clear else None


def _classify(text: str) -> tuple[str, float]:
    language, confidence = _identifier().classify(text)
    return language, float(confidence)


@cache
def _stopwords() -> dict[str, frozenset[str]]:
    content = tomllib.loads((data_folder() / "insights" / "words.toml").read_text(encoding="utf-8"))
    return {language: frozenset(words) for language, words in content["stopwords"].items()}


@cache
def _identifier() -> Any:
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(MODEL, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier
