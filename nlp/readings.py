"""Finds what of an insight can stand alone: the whole, a sentence, the question at its end; without greetings. Pure."""

import re

from nlp.phrasing import asks_plainly, opens_question

LONGEST_READ = 600
MIN_READING = 4  # words
MOST_CLAUSES = 2

# What opens a sentence without belonging to it, and what closes it out of courtesy. Bounded, matched at the ends only.
_OPENINGS = re.compile(
    r"(?:and|also|but|or|so|well|grand|good|ok|okay|oh|now|then|besides|secondly|second|first|firstly|finally|lastly|next|again|btw|"
    r"by the way|one more thing|another (?:question|thing)|quick question|just wondering|p\.?s|"
    r"hi|hello|hey|dear|good (?:morning|afternoon|evening)|thanks|thank you|"
    r"und|aber|also|oder|außerdem|ausserdem|noch etwas|kurze frage|hallo|guten tag|et|mais|aussi|bonjour|"
    r"ou|o|y|pero|además|hola|e|ma|inoltre|buongiorno|en|maar|ook|verder|\d{1,2}[.)]|[-*•–—])"
    r"(?:[\s,:;.!–—-]+)",
    re.IGNORECASE,
)
_CLOSINGS = re.compile(
    r"[\s,;–—-]+(?:please|pls|thanks|thank you|cheers|many thanks|bitte|danke|merci|gracias|grazie|bedankt|"
    r"if you would be so kind|if possible|by any chance)\s*(?=[.?!]*$)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_PAUSE = re.compile(r"(?:,|;|:|\s[–—-])\s+(?:and |but |so |und |aber |et |mais |y |pero |e |ma |en |maar )?")


def readings_of(text: str, language: str) -> tuple[str, ...]:
    """What a name can be made of: the whole text, and each of its sentences and clauses that asks by itself."""
    whole = clean_question(text)
    sentences = [_mark_question(clean_question(piece), language) for piece in _SENTENCE_END.split(whole[:LONGEST_READ])]
    clauses = [
        _mark_question(clean_question(sentence[match.end() :]), language)
        for sentence in sentences
        for match in list(_PAUSE.finditer(sentence))[-MOST_CLAUSES:]
    ]
    asking = [clause for clause in clauses if clause.endswith("?") and opens_question(clause, language)]
    readings = [piece for piece in (*sentences, *asking) if len(piece.split()) >= MIN_READING]
    return tuple(dict.fromkeys((whole, *readings)))


def _mark_question(sentence: str, language: str) -> str:
    """With the question mark that a hurried buyer left out."""
    return sentence.rstrip(" .…") + "?" if not sentence.endswith("?") and asks_plainly(sentence, language) else sentence


def clean_question(text: str) -> str:
    """Without greetings, list numbers and courtesy; begins with a capital."""
    cleaned = " ".join(text.split()).strip(" \"'“”„«»>")
    for _ in range(4):
        shorter = _CLOSINGS.sub("", _OPENINGS.sub("", cleaned, count=1) if _OPENINGS.match(cleaned) else cleaned)
        if shorter == cleaned or len(shorter.split()) < 2:
            break
        cleaned = shorter.strip()
    return cleaned[:1].upper() + cleaned[1:]
