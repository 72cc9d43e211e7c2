"""Finds what of an insight can stand alone: the whole, a sentence, the question at its end; without greetings. Pure."""

import re
from functools import cache

from nlp.phrasing import asks_plainly, load_lists, opens_question
from nlp.records import Kind
from nlp.wording import words_in

LONGEST_READ = 600
MIN_READING = 4  # words
MOST_CLAUSES = 2
_COMMON_OPENINGS = ("hi", "hello", "hey", "ok", "okay", "btw", "p.s", "ps")

# Quotation marks around the whole are taken away; those inside it are not.
_QUOTES = " \"'“”„«»>"
_QUOTE_INSIDE = re.compile(r"[\"'”“’»](?=[\s,.;:?!])|(?<=\s)[\"'“„«‘]")
_CLOSINGS = re.compile(
    r"[\s,;–—-]+(?:please|pls|thanks|thank you|cheers|many thanks|bitte|danke|merci|gracias|grazie|bedankt|"
    r"if you would be so kind|if possible|by any chance)\s*(?=[.?!]*$)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_PAUSE = re.compile(r"(?:,|;|:|\s[–—-])\s+(?:and |but |so |und |aber |et |mais |y |pero |e |ma |en |maar )?")
_END_MARKS = (".", "?", "!", "…", ":")


def readings_of(text: str, language: str) -> tuple[str, ...]:
    """What a name can be made of: the whole text, and each of its sentences and clauses that asks by itself."""
    whole = clean_question(text, language)
    sentences = [
        _mark_question(clean_question(piece, language), language) for piece in _SENTENCE_END.split(whole[:LONGEST_READ])
    ]
    clauses = [
        _mark_question(clean_question(sentence[match.end() :], language), language)
        for sentence in sentences
        for match in list(_PAUSE.finditer(sentence))[-MOST_CLAUSES:]
        if not _leans_back(sentence, match, language)
    ]
    asking = [clause for clause in clauses if clause.endswith("?") and opens_question(clause, language)]
    readings = [piece for piece in (*sentences, *asking) if len(piece.split()) >= MIN_READING]
    return tuple(dict.fromkeys((whole, *readings)))


def finish_reading(text: str, kind: Kind, language: str) -> str:
    """With the mark at its end, and the capitals inside, that a hurried buyer left out."""
    capitals = _capitals(language)
    finished = capitals.sub(lambda match: match[0].upper(), text) if capitals else text
    if finished.endswith(("??", "?!", "!?", " ?")):
        finished = finished.rstrip("?! ") + (" ?" if language == "fr" else "?")
    if finished.endswith(_END_MARKS) or len(finished.split()) < MIN_READING:
        return finished
    bare = finished.rstrip(" ,;–—-")
    if kind is not Kind.QUESTION or _opens_statement(finished, language):
        return bare + "."
    return bare + "?" if _asks_first(finished, language) else bare


def _opens_statement(text: str, language: str) -> bool:
    """ "I wonder whether ..." is an indirect question. Without a list nobody knows."""
    return next(iter(words_in(text)), "").casefold() in load_lists(language)["subjects"]


def _asks_first(text: str, language: str) -> bool:
    """Whether its first word asks, and is not merely where a question may begin ("Tell me ...")."""
    lists = load_lists(language)
    asking = lists["asking_words"] | lists["verbs_asking"] | lists["also_asking"]
    if not asking:
        return opens_question(text, language)
    words = words_in(text)
    return bool(words) and words[0].casefold().replace("’", "'") in asking


def _leans_back(sentence: str, pause: re.Match[str], language: str) -> bool:
    """Whether the clause after a comma says more about what was before it: "..., who are slow but good?"."""
    lists = load_lists(language)
    clause = sentence[pause.end() :]
    first = next(iter(words_in(clause)), "").casefold()
    if not pause[0].startswith(",") or first not in lists["relative"]:
        return False
    if opens_question(sentence, language):
        return True
    opener = next(iter(words_in(sentence)), "").casefold()
    return opener not in lists["preambles"] and not asks_plainly(clause, language)


def _mark_question(sentence: str, language: str) -> str:
    """With the question mark that a hurried buyer left out."""
    return sentence.rstrip(" .…") + "?" if not sentence.endswith("?") and asks_plainly(sentence, language) else sentence


def clean_question(text: str, language: str) -> str:
    """Without greetings, list numbers and courtesy; begins with a capital."""
    cleaned = " ".join(text.split()).strip(" >")
    if not _QUOTE_INSIDE.search(cleaned[1:-1]):
        cleaned = cleaned.strip(_QUOTES)
    openings = _openings(language)
    for _ in range(4):
        match = openings.match(cleaned)
        shorter = _CLOSINGS.sub("", cleaned[match.end() :] if match else cleaned)
        if shorter == cleaned or len(shorter.split()) < 2:
            break
        cleaned = shorter.strip()
    return cleaned[:1].upper() + cleaned[1:]


@cache
def _openings(language: str) -> re.Pattern[str]:
    """What opens a sentence without belonging to it. Bounded, matched at the start only."""
    lists = load_lists(language)
    anywhere = _any_of((*_COMMON_OPENINGS, *lists["openings"]))
    with_comma = _any_of(lists["openings_before_comma"]) if lists["openings_before_comma"] else "(?!)"
    return re.compile(
        rf"(?:{anywhere})(?:[\s,:;.!–—]+|\s-\s)(?:-\s)?|(?:{with_comma})\s?[,:;.!–—][\s,:;.!–—-]*|"
        r"(?:\d{1,2}[.)]|\(?[a-h]\)|[-*•–—])\s+",
        re.IGNORECASE,
    )


@cache
def _capitals(language: str) -> re.Pattern[str] | None:
    words = load_lists(language)["capitals"]
    if not words:
        return None
    return re.compile(rf"(?<![\w'’.-])(?:{_any_of(words)})(?=['’](?:m|d|ll|ve)\b|[\s,;:?!]|\.?$)")


def _any_of(words: frozenset[str] | tuple[str, ...]) -> str:
    """Longer ones first, so that "hi there" is not cut to "there"."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
