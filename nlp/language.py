"""Says in which language a text is written. Offline, the same answer every time; short texts lean on a hint."""

import re
from functools import cache
from typing import Any

LANGUAGES = tuple(
    [
        "ar",
        "bg",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fi",
        "fr",
        "he",
        "hr",
        "hu",
        "it",
        "ja",
        "ko",
        "lt",
        "lv",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sv",
        "tr",
        "uk",
        "zh",
    ]
)
MODEL = "data/model.npz.xz"  # the one that py3langid ships
MIN_LETTERS = 24
MAX_CHARACTERS = 2000
MIN_STOPWORDS = 2

# The commonest little words: they decide short texts better than any n-gram model does.
STOPWORDS = {
    "en": "the and is are you we to of for with do does can your our that it have would how what i my this not if in there at",
    "de": "der die das und ist sind sie wir nicht mit für ein eine ich zu auf den dem bei wie was können haben ob uns wer wenn",
    "fr": "le la les des et est sont vous nous pas avec pour un une je du au que qui dans votre notre sur avez ce on à chez se",
    "es": "el la los las y es son usted nosotros no con para un una de que en su nuestro por se lo qué cómo si hay al cuánto",
    "it": "il lo la gli e è sono voi noi non con per un una di che in vostro nostro si del della come avete ci le i quanto al",
    "nl": "de het een en is zijn jullie wij niet met voor ik te op van bij hoe wat kunnen hebben of we ons dat die er kan",
    "pt": "o a os as e é são vocês nós não com para um uma de que em seu nosso por se do da como temos há ao quanto na no",
}
_WORDS = re.compile(r"[^\W\d_]+")
_COUNTED = {language: frozenset(words.split()) for language, words in STOPWORDS.items()}


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
    if by_stopwords and by_stopwords != language and (confidence < 0.9 or language not in _COUNTED):
        # A text full of product names looks like anything to the model; its little words do not lie.
        return by_stopwords
    return language


def _most_stopwords(words: list[str], hint: str) -> str | None:
    counts = {language: sum(word in known for word in words) for language, known in _COUNTED.items()}
    best = max(counts, key=lambda language: (counts[language], language == hint))
    ranked = sorted(counts.values(), reverse=True)
    is_clear = ranked[0] >= MIN_STOPWORDS and (ranked[0] > ranked[1] or best == hint)
    return best if is_clear else None


def _classify(text: str) -> tuple[str, float]:
    language, confidence = _identifier().classify(text)
    return language, float(confidence)


@cache
def _identifier() -> Any:
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(MODEL, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier
