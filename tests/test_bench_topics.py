"""The comparison of topics counts what moved as it says: new numbers alone are no move."""

import json
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"
if not BENCH.exists():
    pytest.skip("the benches are not part of the package", allow_module_level=True)
sys.path.insert(0, str(BENCH))

from topic_cases import Case, split_weeks  # noqa: E402
from topic_chatter import CHATTER, extract, judge_mixture, mix, read_chatter  # noqa: E402
from topic_scores import Row, agreement, judge, lay_out_table, sense_of_small, share_moved  # noqa: E402
from topics_bertopic import keep_numbers  # noqa: E402


def test_a_topic_that_only_got_another_number_has_not_moved():
    before = {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: None}
    after = {0: 7, 1: 7, 2: 7, 3: 0, 4: 0, 5: 0, 6: 7}
    kept = keep_numbers(before, after)
    assert kept == {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 1, 6: 0}
    assert share_moved(before, kept) == 0


def test_what_left_its_topic_has_moved_also_when_it_is_unplaced_now():
    before = {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: None}
    after = {0: 4, 1: 4, 2: 5, 3: 5, 4: None, 5: 5}
    kept = keep_numbers(before, after)
    assert kept[0] == kept[1] == 0
    assert share_moved(before, kept) == pytest.approx(2 / 5)


def test_a_topic_without_forerunner_gets_a_number_that_nobody_had():
    assert keep_numbers({0: 0, 1: 0}, {0: 0, 1: 0, 2: 1, 3: 1}) == {0: 0, 1: 0, 2: 1, 3: 1}
    assert keep_numbers({0: None}, {0: None, 1: 3}) == {0: None, 1: 0}
    assert keep_numbers({}, {}) == {}


def test_small_topics_make_sense_when_two_of_them_mean_the_same():
    truth = ["a", "a", "b", "c", "b", "d", "d", "d", "d"]
    assert sense_of_small(truth, [1, 1, 2, 2, 2, 3, 3, 3, 3]) == 1  # the four are no small topic
    assert sense_of_small(truth, [1, None, 1, 2, 2, None, 3, 3, None]) == pytest.approx(1 / 3)
    assert sense_of_small(truth, [None] * 9) == 1


def test_agreement_is_one_for_the_truth_and_counts_the_unplaced_alone():
    assert agreement(["a", "a", "b", "b"], [3, 3, 9, 9]) == (1, 1, 1, 1)
    assert agreement(["a", "a", "b", "b"], [3, 3, None, None])[1:] == pytest.approx((2 / 3, 1, 1 / 2))


def test_every_row_arrives_in_exactly_one_week():
    for size, weeks in ((229, 10), (10, 10), (7, 3), (23, 10)):
        for in_order in (True, False):
            arrivals = split_weeks(size, weeks, in_order=in_order)
            assert len(arrivals) == weeks
            assert sorted(row for week in arrivals for row in week) == list(range(size))


def test_the_table_names_each_set_that_is_too_far_below():
    truth = ["a", "a", "b", "b"]
    right, half = judge(truth, [{0: 1, 1: 1, 2: 2, 3: 2}]), judge(truth, [{0: 1, 1: 1, 2: None, 3: None}])
    lines = lay_out_table([Row("near", 4, 2, right, right), Row("far", 4, 2, half, right)], "peer")
    assert lines[-1] == "pairwise F1 more than 0.03 below: far"
    assert lines[3].split()[:8] == ["far", "4", "0.800", "1.000", "0.80", "0.667", "1.000", "0.67"]
    assert lines[4].startswith("mean")


def test_every_topic_counts_when_the_share_of_chatter_is_told():
    labels = ("price", "price", "size", CHATTER, CHATTER, CHATTER)
    cases = [Case("", label, f"c{row}", f"m{row}", "en") for row, label in enumerate(labels)]
    mixture = judge_mixture(cases, {0: 1, 1: 1, 2: None, 3: 1, 4: 2, 5: None})
    assert mixture.chatter == pytest.approx(2 / 4)
    assert mixture.unplaced == pytest.approx(1 / 3)
    assert mixture.f1 == 1


def test_a_draw_holds_as_many_lines_of_chatter_as_of_requests_and_is_the_same_each_time():
    requests = [(Case(f"{number}", "price", "", "", "en"),) for number in range(5)]
    chatter = [(Case(f"x{number}", CHATTER, "", "", "en"),) for number in range(9)]
    drawn = mix(requests, chatter, 1)
    assert sorted(case.label for case in drawn) == [CHATTER] * 5 + ["price"] * 5
    assert drawn == mix(requests, chatter, 1) != mix(requests, chatter, 2)


def test_chatter_is_taken_from_the_lines_of_a_file_by_the_extraction(tmp_path: Path):
    lines = ("What does it cost per user?", "See you on Monday, best wishes.")
    file = tmp_path / "chatter.jsonl"
    file.write_text("".join(json.dumps({"text": text, "label": "any"}) + "\n" for text in lines), encoding="utf-8")
    asked, said = extract(read_chatter(file), None)
    assert [(case.text, case.label) for case in asked] == [(lines[0], CHATTER)]
    assert said == ()
