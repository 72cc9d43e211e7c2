"""How much chatter gets into topics when as much of it arrives as of real requests, and what that does to those.

A line is all that a prospect wrote: it goes through the extraction first, and what that takes goes into the engine.
"""

import json
import pathlib
import random
import statistics
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

from topic_cases import Case
from topic_scores import Placement, agreement
from topic_stream import run_stream

from harvester.records import Part, Role
from nlp.embedding import Encoders
from nlp.extraction import SentenceModel, extract_from_many

CHATTER = ""  # the label of what nobody asked
MAILS_AT_ONCE = 500

Taken = tuple[Case, ...]  # what the extraction took from one line


@dataclass(frozen=True, slots=True)
class Mixture:
    """Of one draw. chatter: share of all that stands in a topic. f1, unplaced: of the requests alone."""

    chatter: float
    f1: float
    unplaced: float


def tell_mixtures(
    name: str, requests: Sequence[Taken], chatter: Sequence[Taken], encoders: Encoders, weeks: int, draws: int
) -> None:
    """One line."""
    found = [score_mixture(mix(requests, chatter, seed), encoders, weeks) for seed in range(draws)]
    middle = Mixture(*(statistics.fmean(column) for column in zip(*map(astuple, found), strict=True)))
    print(
        f"{name}: taken {100 * share_taken(requests):.1f} %, of chatter {100 * share_taken(chatter):.1f} %; of what is"
        f" in topics chatter {100 * middle.chatter:.1f} % ({', '.join(f'{100 * one.chatter:.1f}' for one in found)});"
        f" of the others pairwise F1 {middle.f1:.3f}, unplaced {100 * middle.unplaced:.1f} %",
        flush=True,
    )


def read_chatter(path: pathlib.Path) -> list[Case]:
    """Lines of {"text"}; a label of theirs does not count."""
    texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [Case(text, CHATTER, f"x{row}", f"x{row}", "en") for row, text in enumerate(texts)]


def extract(cases: Sequence[Case], model: SentenceModel | None) -> list[Taken]:
    """Of every case what the extraction takes from its text."""
    taken: list[Taken] = []
    for start in range(0, len(cases), MAILS_AT_ONCE):
        some = cases[start : start + MAILS_AT_ONCE]
        found = extract_from_many([((quote(case.text),), "", False) for case in some], model)
        taken.extend(
            tuple(
                replace(case, text=one.text, context=one.context, language=one.language, kind=one.kind.value)
                for one in insights
            )
            for case, insights in zip(some, found, strict=True)
        )
    return taken


def quote(text: str) -> Part:
    return Part(Role.QUOTED, text, author="kim@buyer.example", depth=1, author_kind="prospect")


def share_taken(lines: Sequence[Taken]) -> float:
    return sum(bool(taken) for taken in lines) / max(1, len(lines))


def mix(requests: Sequence[Taken], chatter: Sequence[Taken], seed: int) -> list[Case]:
    """As many lines of either as there are of the fewer; what was taken from them, in any order."""
    order, most = random.Random(seed), min(len(requests), len(chatter))
    drawn = [*order.sample(requests, most), *order.sample(chatter, most)]
    order.shuffle(drawn)
    return [case for taken in drawn for case in taken]


def score_mixture(cases: Sequence[Case], encoders: Encoders, weeks: int) -> Mixture:
    return judge_mixture(cases, run_stream(cases, encoders, weeks, in_order=True).weeks[-1])


def judge_mixture(cases: Sequence[Case], placement: Placement) -> Mixture:
    """Every topic counts, however few ask."""
    requests = [row for row, case in enumerate(cases) if case.label != CHATTER]
    topics = [placement[row] for row in requests]
    in_topics = sum(topic is not None for topic in placement.values())
    placed = sum(topic is not None for topic in topics)
    f1 = agreement([cases[row].label for row in requests], topics)[1]
    return Mixture(1 - placed / max(1, in_topics), f1, 1 - placed / max(1, len(requests)))
