"""Infers what was asked from a colleague's answer that quotes nobody: "You asked whether...", "As to how...".

Conservative: only where the colleague says himself that he repeats a question. Marked, never shown as a quote.
"""

from nlp.language import detect_language
from nlp.lines import Line, count_words, read_lines
from nlp.patterns import load_patterns
from nlp.records import Insight, Kind

REPEATS = "repeats"
VETOES = frozenset({"not_scheduling", "not_courtesy", "not_resend", "not_own"})
CONFIDENCE = 0.6
MIN_WORDS = 6
MAX_TEXT = 400  # characters


def infer_questions(own_text: str, part: int = 0) -> tuple[Insight, ...]:
    """The questions that the text says it answers, in the colleague's words.

    part: index of the text among the parts of its mail. The answer is the paragraph from there on.
    """
    language = detect_language(own_text)
    patterns = load_patterns(language)
    lines = read_lines(own_text, patterns)
    found = []
    for place, line in enumerate(lines):
        sections = {hit.section for hit in patterns.find(line.text)}
        if REPEATS in sections and not sections & VETOES and count_words(line.text) >= MIN_WORDS:
            found.append(
                Insight(
                    kind=Kind.QUESTION,
                    text=line.text[:MAX_TEXT],
                    part=part,
                    confidence=CONFIDENCE,
                    rule="repeated by the colleague",
                    category="other",
                    stage="consideration",
                    language=language,
                    answer=_rest_of_paragraph(lines, place),
                    inferred=True,
                )
            )
    return tuple(found)


def _rest_of_paragraph(lines: tuple[Line, ...], place: int) -> str:
    return " ".join(line.text for line in lines[place:] if line.paragraph == lines[place].paragraph)
