"""Says why a prospect's sentence was not taken as an insight. Pure; decides nothing itself."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from harvester.records import Part
from nlp.candidates import Candidate, find_candidates, speaks_for_prospect
from nlp.extraction import VETOES, Decision, SentenceModel, decide_by_rules, fingerprint
from nlp.records import Insight
from nlp.sellers import Correspondence, read_correspondence

ABOUT = {
    "not_scheduling": "about an appointment",
    "not_courtesy": "courtesy",
    "not_resend": "asks to send something again",
    "not_reported": "repeats what somebody asked",
    "not_rhetorical": "asks nobody",
    "not_social": "small talk",
    "not_own": "asked by a colleague",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A sentence that is no insight. part: index into the mail's parts. chance: of the model, None without one."""

    text: str
    part: int
    reason: str
    chance: float | None = None


class Weighing(SentenceModel, Protocol):
    """A model that can say how sure it is."""

    def chances(self, candidates: Sequence[Candidate]) -> list[float]:
        """Probability of being an insight, one per candidate."""
        ...

    def needed_for(self, candidate: Candidate) -> float:
        """Probability from which on this candidate is one."""
        ...

    def seller_chances(self, letters: Sequence[Correspondence]) -> list[float]:
        """Probability that a seller wrote it, one per mail."""
        ...


def find_left_out(
    parts: tuple[Part, ...],
    subject: str,
    insights: Sequence[Insight],
    model: Weighing | None = None,
    *,
    heard: bool = False,
) -> tuple[LeftOut, ...]:
    """Every sentence of a prospect that is in no insight, with the reason, in reading order; then whole parts."""
    taken = {fingerprint(insight.text) for insight in insights}
    candidates = find_candidates(parts, subject, heard=heard)
    missing = [one for one in candidates if not _is_taken(one, taken)]
    chances = model.chances(missing) if model else [None] * len(missing)
    of_all = None if insights or heard else _reason_for_all(parts, candidates, model)
    found = [
        LeftOut(candidate.line.text, candidate.part, of_all or _reason(candidate, chance, model), chance)
        for candidate, chance in zip(missing, chances, strict=True)
    ]
    unread = [
        LeftOut("", number, f"{part.role}: only what prospects wrote is looked through")
        for number, part in enumerate(parts)
        if not speaks_for_prospect(part, heard=heard)
    ]
    return (*found, *unread)


def _reason_for_all(parts: tuple[Part, ...], candidates: Sequence[Candidate], model: Weighing | None) -> str | None:
    if model is None or not candidates:
        return None
    correspondence = read_correspondence(parts, candidates)
    if not model.are_sellers([correspondence])[0]:
        return None
    chance = model.seller_chances([correspondence])[0]
    return f"reads as written by somebody who sells to the colleague ({chance:.0%})"


def _is_taken(candidate: Candidate, taken: Collection[str]) -> bool:
    said = fingerprint(candidate.line.text)
    return any(said in text or text in said for text in taken)


def _reason(candidate: Candidate, chance: float | None, model: Weighing | None) -> str:
    vetoes = [hit for hit in candidate.hits if hit.section in VETOES]
    held = "; ".join(f"{ABOUT[hit.section]}: “{hit.phrase}”" for hit in vetoes[:2])
    if chance is None or model is None:
        return held or _decided(decide_by_rules(candidate))
    needed = model.needed_for(candidate)
    if chance >= needed:
        return "said before in this mail"
    told = f"the model gives it {chance:.0%}, {needed:.0%} are needed"
    return f"{told}; {held}" if held else told


def _decided(decision: Decision | None) -> str:
    return "said before in this mail" if decision else "holds no phrase that asks, suffers or wishes"
