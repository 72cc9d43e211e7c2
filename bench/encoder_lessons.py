"""What the encoders are taught by: the training companies and the archetypes as people say them, drawn step by step.

Every second company teaches one half of what ships, the others the other one: train_topics.py needs for each company an
encoder that has not learned from it. Also the loss, supervised contrast (Khosla et al., 2020).
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from halves import HALVES

ROOT = Path(__file__).resolve().parent.parent
ARCHETYPES_SHARE = 0.2  # of the steps
PER_TOPIC, PER_ARCHETYPE = 5, 3  # insights in one step
TEMPERATURE, MASKED = 0.07, -1e4
FEWEST_TOPICS = 5  # of a company to learn from
WARM_UP, LONGEST_GRADIENT = 50, 1.0


@dataclass(frozen=True, slots=True)
class Text:
    """One side of an insight."""

    words: str
    language: str


Said = dict[str, list[tuple[Text, Text | None]]]  # topic -> question and answer of each insight


@dataclass(frozen=True, slots=True)
class Size:
    """Of one step. insights: of a company at most, with their answers. archetypes: how many."""

    insights: int
    archetypes: int


def read_companies(half: int, languages: Collection[str]) -> list[Said]:
    """Every second one. languages: what is read, all if empty."""
    files = sorted((ROOT / "bench/training/topics").glob("*.jsonl"))[half::HALVES]
    return [said for file in files if len(said := read_said(file, "topic", languages)) >= FEWEST_TOPICS]


def read_archetypes(languages: Collection[str]) -> Said:
    return read_said(ROOT / "bench/training/archetypes.jsonl", "archetype", languages)


def read_said(file: Path, label: str, languages: Collection[str]) -> Said:
    """By label; labels with one insight teach nothing."""
    said: Said = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if not languages or row["language"] in languages:
            asked, answered = (Text(row[side], row["language"]) if row[side] else None for side in ("text", "answer"))
            if asked is not None:
                said.setdefault(row[label], []).append((asked, answered))
    return {name: rows for name, rows in said.items() if len(rows) > 1}


def draw(
    companies: Sequence[Said], archetypes: Said, size: Size, random: np.random.Generator
) -> tuple[list[Text], list[int]]:
    """Texts of one company, or of some archetypes, with the numbers of their labels; an answer once."""
    if random.random() < ARCHETYPES_SHARE:
        said, most = archetypes, PER_ARCHETYPE
        names = [str(one) for one in random.choice(list(said), size.archetypes, replace=False)]
    else:
        said, most = companies[random.integers(len(companies))], PER_TOPIC
        names = [str(one) for one in random.permutation(list(said))]
    texts: list[Text] = []
    labels: list[int] = []
    left = size.insights
    for number, name in enumerate(names):
        chosen = random.permutation(len(said[name]))[:most]
        left -= len(chosen)
        if left < 0:
            break
        new = list(distinct(said[name][row] for row in chosen))
        texts += new
        labels += [number] * len(new)
    return texts, labels


def distinct(rows: Iterator[tuple[Text, Text | None]]) -> Iterator[Text]:
    """Every question and each answer once."""
    answers: set[Text] = set()
    for question, answer in rows:
        yield question
        if answer is not None and answer not in answers:
            answers.add(answer)
            yield answer


def contrast(
    rows: torch.Tensor, labels: torch.Tensor, model: torch.Tensor | None = None, modelled: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean over all that have a partner. rows: (n, d) unit rows. labels: (n,).

    model: (m, d), rows of another encoder that they are to be near as well. modelled: (m,) labels of these.
    """
    scores = (rows @ rows.t() / TEMPERATURE).fill_diagonal_(MASKED)
    same = (labels[:, None] == labels[None, :]).float().fill_diagonal_(0)
    if model is not None and modelled is not None:
        scores = torch.cat([scores, rows @ model.t() / TEMPERATURE], dim=1)
        same = torch.cat([same, (labels[:, None] == modelled[None, :]).float()], dim=1)
    partners = same.sum(1)
    losses = -(scores.log_softmax(1) * same).sum(1) / partners.clamp(min=1)
    return losses[partners > 0].mean()


def set_pace(optimiser: Any, rate: float, step: int, steps: int) -> None:
    """Rises at once and sinks like a cosine."""
    for group in optimiser.param_groups:
        group["lr"] = rate * min(1.0, step / WARM_UP) * (1 + np.cos(np.pi * step / steps)) / 2


def take_step(optimiser: Any, loss: torch.Tensor, learned: Sequence[torch.nn.Parameter]) -> None:
    """Never a long one."""
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(learned, LONGEST_GRADIENT)
    optimiser.step()


def publish(file: Path, arrays: dict[str, Any]) -> None:
    """Writes what ships, with its hash."""
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, **arrays)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    file.with_suffix(".sha256").write_text(f"{found}\n", encoding="ascii")
