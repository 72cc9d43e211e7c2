"""Says why a prospect's sentence was not taken as an insight. Pure; decides nothing itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harvester.records import Part
from nlp.candidates import Candidate, find_candidates, speaks_for_prospect
from nlp.extraction import VETOES, Decision, SentenceModel, decide_by_rules, fingerprint
from nlp.records import Insight

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

    @property
    def threshold(self) -> float: ...

    def chances(self, candidates: Sequence[Candidate]) -> list[float]:
        """Probability of being an insight, one per candidate."""
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
    candidates = find_candidates(parts, subject, heard=heard)
    chances = model.chances(candidates) if model and candidates else [None] * len(candidates)
    taken = {fingerprint(insight.text) for insight in insights}
    found = [
        LeftOut(candidate.line.text, candidate.part, _reason(candidate, chance, model), chance)
        for candidate, chance in zip(candidates, chances, strict=True)
        if not any(
            fingerprint(candidate.line.text) in text or text in fingerprint(candidate.line.text) for text in taken
        )
    ]
    unread = [
        LeftOut("", number, f"{part.role}: only what prospects wrote is looked through")
        for number, part in enumerate(parts)
        if not speaks_for_prospect(part, heard=heard)
    ]
    return (*found, *unread)


def _reason(candidate: Candidate, chance: float | None, model: Weighing | None) -> str:
    vetoes = [hit for hit in candidate.hits if hit.section in VETOES]
    held = "; ".join(f"{ABOUT[hit.section]}: “{hit.phrase}”" for hit in vetoes[:2])
    if chance is None or model is None:
        return held or _decided(decide_by_rules(candidate))
    if chance >= model.threshold:
        return "said before in this mail"
    needed = f"the model gives it {chance:.0%}, {model.threshold:.0%} are needed"
    return f"{needed}; {held}" if held else needed


def _decided(decision: Decision | None) -> str:
    return "said before in this mail" if decision else "holds no phrase that asks, suffers or wishes"
