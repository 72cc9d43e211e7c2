"""How finely a mailbox is divided follows from how likely its pairs mean the same."""

import numpy as np
import pytest

from nlp.bars import LEARNED_BIRTH
from nlp.embedding import Vectors
from nlp.resolution import CUTS, Fit, choose_cut, expect_agreement, measure_fit
from nlp.topics import Crowd, place_insights, tell_birth
from tests.topic_material import Told

SEVEN = np.repeat([1, 2], [4, 3])


def layered(labels: list[int], inside: float, across: float) -> Vectors:
    given = np.array(labels)
    return np.where(given[:, None] == given[None, :], inside, across).astype(np.float32)


def crowd_of(similarity: Vectors, chances: Vectors | None) -> Crowd:
    numbers = np.arange(len(similarity))
    topics = np.zeros(len(numbers), dtype=np.int64)
    return Crowd(np.ones((len(numbers), 1), np.float32), topics, numbers, numbers, Told(similarity, chances))


def test_expected_agreement_is_that_of_the_truth_when_the_chances_are_sure():
    sure = (SEVEN[:, None] == SEVEN[None, :]).astype(np.float32)
    pairs = 4 * 3 / 2 + 3 * 2 / 2
    assert expect_agreement(SEVEN, sure) == pytest.approx(1)
    assert expect_agreement(np.ones(7, np.int64), sure) == pytest.approx(2 * pairs / (21 + pairs))
    assert expect_agreement(np.arange(1, 8), sure) == 0


@pytest.mark.parametrize(("inside", "highest"), [(0.47, 0.46), (0.51, 0.5), (0.58, 0.58)])
def test_a_mailbox_is_divided_where_agreement_is_expected(inside: float, highest: float):
    """Two meanings of ten insights each; those of one are `inside` alike and likely the same."""
    labels = [0] * 10 + [1] * 10
    cut = choose_cut(layered(labels, inside, 0.1), layered(labels, 0.8, 0.01))
    assert cut is not None
    assert CUTS[0] <= cut <= highest


def test_too_few_tell_nothing_and_order_does_not_matter():
    assert choose_cut(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)) is None
    random = np.random.default_rng(3)
    rows = random.normal(size=(40, 5))
    similarity = np.clip(0.5 + rows @ rows.T / 20, 0, 1).astype(np.float32)
    chances = similarity**2
    order = random.permutation(40)
    assert choose_cut(similarity, chances) == choose_cut(
        similarity[np.ix_(order, order)], chances[np.ix_(order, order)]
    )


def test_where_nobody_repeats_anybody_less_likeness_founds_a_topic():
    """Three insights .5 alike: a topic if that makes them likely the same, none if the mailbox does not tell."""
    labels = [0] * 3 + list(range(1, 200))
    similarity = layered(labels, 0.5, 0.1)
    likely = crowd_of(similarity, layered(labels, 0.6, 0.0001))
    unknown = crowd_of(similarity, None)
    assert tell_birth(likely) <= 0.5 < tell_birth(unknown) == LEARNED_BIRTH
    assert len(place_insights(likely, 1, 0.0).born) == 1
    assert len(place_insights(unknown, 1, 0.0).born) == 0


def test_likeness_that_means_little_founds_no_topic():
    """Thirty insights .5 alike by which hardly two mean the same, and three that are surely one, .7 alike."""
    labels = [0] * 30 + [1] * 3 + list(range(2, 170))
    similarity = np.where(layered(labels, 1, 0) > 0, 0.5, 0.1).astype(np.float32)
    similarity[30:33, 30:33] = 0.7
    chances = layered(labels, 0.03, 0.0001)
    chances[30:33, 30:33] = 0.9
    crowd = crowd_of(similarity, chances)
    assert tell_birth(crowd) > 0.5
    placed = place_insights(crowd, 1, 0.0)
    assert [one.row for one in placed.placed] == [30, 31, 32]


def test_the_owner_is_told_how_well_topics_fit_and_when_grouping_anew_is_worth_it():
    labels = np.repeat(np.arange(30), 5)
    similarity, chances = layered(labels.tolist(), 0.7, 0.1), layered(labels.tolist(), 0.8, 0.001)
    good, poor = labels + 1, np.where(labels < 10, labels + 1, 0)  # in the poor one two thirds stayed unplaced
    fit, unfit = (measure_fit(similarity, chances, topics) for topics in (good, poor))
    assert fit is not None
    assert unfit is not None
    assert fit.now == pytest.approx(fit.anew) == unfit.anew
    assert 0.75 < fit.now < 0.9
    assert unfit.now < fit.now - 0.3
    assert "--regroup" not in fit.sentence
    assert Fit(0.412, 0.466).sentence == (
        "41 of 100 by the program's own estimate; grouped anew 47: see `answers analyze --regroup --dry-run`"
    )
    assert Fit(0.412, 0.43).sentence == "41 of 100 by the program's own estimate"


def test_two_alone_are_no_gain_of_grouping_anew():
    labels = np.repeat(np.arange(60), 2)
    fit = measure_fit(layered(labels.tolist(), 0.7, 0.1), layered(labels.tolist(), 0.9, 0.0), labels * 0)
    assert fit == Fit(0, 0)


def test_of_few_insights_no_fit_is_told():
    labels = [0, 0, 0, 1, 1, 1]
    assert measure_fit(layered(labels, 0.7, 0.1), layered(labels, 0.9, 0.0), np.array(labels)) is None
