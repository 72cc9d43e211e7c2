"""What language a mail is in and what its prospects expressed; of accepted mails only. Pure, many mails at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from harvester.records import FailedReading, Reading, Role, Status
from nlp.extraction import SentenceModel, extract_from_many
from nlp.harvest import pair_many
from nlp.language import detect_language
from nlp.pairing import Similarity
from nlp.records import Insight

READ_CHARACTERS = 2000  # enough to tell a language


@dataclass(frozen=True, slots=True)
class Understood:
    """language: of the prospects' words, else of the colleague's; None for a mail without words."""

    language: str | None
    insights: tuple[Insight, ...]


def understand_many(
    readings: Sequence[Reading | FailedReading],
    model: SentenceModel | None = None,
    similarity: Similarity | None = None,
) -> list[Understood]:
    """One result per reading, in order; a mail that was set aside has a language but no insights.

    model, similarity: decide and pair better than rules and words alone do.
    """
    accepted = [
        reading for reading in readings if isinstance(reading, Reading) and reading.verdict.status is Status.ACCEPTED
    ]
    mails = [(reading.parts, reading.mail.subject, reading.verdict.kind == "heard") for reading in accepted]
    extracted = extract_from_many(mails, model)
    if similarity:
        extracted = pair_many(extracted, [parts for parts, _, _ in mails], similarity)
    found = iter(extracted)
    results = []
    for reading in readings:
        if isinstance(reading, FailedReading):
            results.append(Understood(None, ()))
            continue
        insights = next(found) if reading.verdict.status is Status.ACCEPTED else ()
        results.append(Understood(language_of(reading), insights))
    return results


def language_of(reading: Reading) -> str | None:
    """The language of the prospects' words, or of the colleague's when there are none."""
    for kinds in ((Role.QUOTED, Role.FORWARDED, Role.HISTORY), (Role.OWN,)):
        text = "\n".join(part.text for part in reading.parts if part.role in kinds)
        if text.strip():
            return detect_language(text[:READ_CHARACTERS])
    return None
