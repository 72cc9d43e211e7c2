"""The stream that the benches score is the engine's own, judged by the model that is asked about."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nlp.embedding import Encoders, Vectors
from nlp.same_topic import load_same_topic

BENCH = Path(__file__).parent.parent / "bench"
if not BENCH.exists():
    pytest.skip("the benches are not part of the package", allow_module_level=True)
sys.path.insert(0, str(BENCH))

from topic_cases import Case  # noqa: E402
from topic_scores import Placement  # noqa: E402
from topic_stream import count_top, run_stream  # noqa: E402
from train_topics import read_company  # noqa: E402

DELIVERY = "Delivery takes six weeks from the day we have the order."
TRAINING = "A trainer comes for one day, the training is free of charge."


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    """More than fifty insights: enough for company to count. No answer is given twice, else it would be none."""
    said = [(DELIVERY, f"How long until the {thing} is here?") for thing in ("pump", "seal", "lorry", "valve", "hose")]
    said += [(TRAINING, f"Who shows the {who} how it works?") for who in ("cook", "driver", "nurse", "clerk")]
    return tuple(
        Case(f"{text} {number}", answer[:8], f"c{number}", f"m{number}", "en", f"{answer} {number}")
        for number, (answer, text) in enumerate(said * 6)
    )


def test_the_shipped_model_given_is_the_shipped_model(cases: tuple[Case, ...], encoders: Encoders) -> None:
    streams = [run_stream(cases, encoders, 2, in_order=True, judge=judge) for judge in (None, load_same_topic())]
    assert streams[0].weeks == streams[1].weeks
    assert len(streams[0].weeks) == 2


def test_grouped_anew_a_stream_is_what_all_at_once_is(tmp_path: Path, encoders: Encoders) -> None:
    """By the learned model, however the cases came in: the same groups in the end, and ids go on."""
    lines = (BENCH / "scored" / "brackenfell-cold-stores.jsonl").read_text(encoding="utf-8").splitlines()
    file = tmp_path / "firm.jsonl"
    file.write_text("\n".join(lines[:60]), encoding="utf-8")
    cases = read_company(file, encoders).cases
    at_once = run_stream(cases, encoders, 1, in_order=True)
    stream = run_stream(cases, encoders, 3, in_order=True)
    assert groups(stream.weeks[-1]) != groups(at_once.weeks[0])
    assert groups(stream.regrouped) == groups(at_once.weeks[0])
    assert at_once.regrouped == at_once.weeks[0]
    assert set(stream.regrouped.values()) & set(stream.weeks[-1].values()) - {None}


class Never:
    """Trees that take no two insights for one topic."""

    def run(self, names: None, given: dict[str, Vectors]) -> list[Vectors]:
        return [np.full((len(given["pairs"]), 1), -99, dtype=np.float32)]


def groups(placement: Placement) -> set[frozenset[int]]:
    members: dict[int, set[int]] = {}
    for row, topic in placement.items():
        if topic is not None:
            members.setdefault(topic, set()).add(row)
    return set(map(frozenset, members.values()))


def test_the_engine_judges_by_the_model_that_it_is_given(cases: tuple[Case, ...], encoders: Encoders) -> None:
    never = replace(load_same_topic(), trees=Never(), company_trees=Never())
    assert set(run_stream(cases, encoders, 1, in_order=True, judge=never).weeks[0].values()) == {None}
    assert None not in run_stream(cases, encoders, 1, in_order=True).weeks[0].values()


def test_the_true_top_counts_where_it_is_the_usual_meaning_of_what_is_ranked_first() -> None:
    labels = ("price", "price", "price", "hosting", "hosting", "size")
    cases = [Case("", label, f"c{row}", f"m{row}", "en") for row, label in enumerate(labels)]
    placement = {0: 1, 1: 1, 2: None, 3: 1, 4: 2, 5: 2}
    assert count_top(cases, [1], placement) == 1
    assert count_top(cases, [1, 2], placement) == 2
    assert count_top(cases, [], placement) == 0


def test_what_a_company_says_in_a_row_is_one_mail(tmp_path: Path, encoders: Encoders) -> None:
    row = {"topic": "t", "kind": "pain", "language": "en", "text": "It leaks.", "answer": None}
    file = tmp_path / "firm.jsonl"
    file.write_text("".join(json.dumps(row | {"company": name}) + "\n" for name in "aabba"), encoding="utf-8")
    company = read_company(file, encoders)
    assert [case.mail for case in company.cases] == ["m1", "m1", "m2", "m2", "m3"]
    assert not company.raw.answers.any()
