"""Lists every sentence that prospects wrote in a mail, with the phrases it holds. Decides nothing."""

from dataclasses import dataclass, replace

from harvester.records import Part, Role
from nlp.language import detect_language
from nlp.lines import Line, read_lines
from nlp.patterns import Hit, load_patterns

PROSPECT_ROLES = frozenset({Role.QUOTED, Role.FORWARDED, Role.HISTORY})
HINT_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a prospect and all that is known about it before the decision.

    is_all: whether prospects wrote nothing else in this mail, but for greeting and sign-off.
    """

    line: Line
    part: int
    language: str
    hits: tuple[Hit, ...]
    is_all: bool = False


def find_candidates(parts: tuple[Part, ...], subject: str, *, heard: bool = False) -> list[Candidate]:
    """In reading order. subject: only a hint for the language. heard: the mail is a note about what was heard."""
    hint = detect_language(" ".join([subject, *(part.text[:HINT_CHARACTERS] for part in parts)]))
    candidates: list[Candidate] = []
    for index, part in enumerate(parts):
        if speaks_for_prospect(part, heard=heard):
            language = detect_language(part.text, hint)
            patterns = load_patterns(language)
            candidates.extend(
                Candidate(line, index, language, patterns.find(line.text)) for line in read_lines(part.text, patterns)
            )
    return [replace(candidates[0], is_all=True)] if len(candidates) == 1 else candidates


def speaks_for_prospect(part: Part, *, heard: bool = False) -> bool:
    """Does this part hold an outsider's words? What nobody signed counts when it stands in a quote."""
    if part.role is Role.OWN:
        return heard or part.author_kind == "prospect"
    return part.role in PROSPECT_ROLES and part.author_kind != "us"
