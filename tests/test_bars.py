"""How alike insights have to be depends on how many things a mailbox speaks of."""

import numpy as np
import pytest

from nlp.bars import FEW_AT_ONCE, LEAST_DENSE, MOST_DENSE, MOST_LESS, USUAL_SPREAD, measure_spread, set_bars
from nlp.embedding import unit_rows


def speak_of(things: int, insights: int = 1_200):
    """Unit rows around so many directions."""
    rng = np.random.default_rng(things)
    centres = rng.normal(size=(things, 60))
    noise = rng.normal(size=(insights, 60))
    return unit_rows((centres[rng.integers(things, size=insights)] + 0.6 * noise).astype(np.float32))


def test_the_fewer_things_are_spoken_of_the_wider_likenesses_spread():
    spreads = [measure_spread(speak_of(things)) for things in (4, 12, 60)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[0] - spreads[2] > 0.05


def test_spread_is_that_of_all_pairs():
    rows = speak_of(12, 1_000)
    pairs = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    assert measure_spread(rows) == pytest.approx((1_000 * pairs.std() + 200 * USUAL_SPREAD) / 1_200, abs=1e-4)


def test_what_is_usual_counts_until_there_is_something_to_measure():
    assert measure_spread(speak_of(4, 0)) == measure_spread(speak_of(4, 1)) == USUAL_SPREAD
    few, many = (abs(measure_spread(speak_of(4, insights)) - USUAL_SPREAD) for insights in (40, 1_200))
    assert few < many


def test_what_spreads_wide_needs_less_to_be_the_same():
    narrow, usual, wide = (set_bars(1.0, 1_000, spread=spread).birth for spread in (0.16, USUAL_SPREAD, 0.25))
    assert narrow > usual > wide
    assert set_bars(1.0, 1_000, spread=0.0).birth == MOST_DENSE
    assert set_bars(1.0, 1_000, spread=0.5).birth == LEAST_DENSE


def test_where_insights_are_hardly_alike_or_a_likeness_is_learned_spread_tells_nothing():
    for settings in ({"density": 0.0}, {"density": 1.0, "learned_birth": 0.5}):
        bars = {set_bars(insights=1_000, spread=spread, **settings).birth for spread in (0.1, 0.2, 0.3)}
        assert len(bars) == 1, settings


def test_the_more_are_grouped_at_once_the_less_founds_a_topic():
    bars = set_bars(1.0, 10_000)
    few, many, most = (bars.grouping(insights) for insights in (FEW_AT_ONCE, 4 * FEW_AT_ONCE, 10**6))
    assert few == bars
    assert bars.birth > many.birth > most.birth == pytest.approx(bars.birth - MOST_LESS)
    assert bars.group_join > many.group_join > most.group_join
    assert many.join == bars.join
    assert bars.grouping(0) == bars


@pytest.mark.parametrize("settings", [{"density": 0.0}, {"density": 1.0, "learned_birth": 0.5}])
def test_where_prose_is_loose_or_a_likeness_is_learned_a_backlog_is_grouped_as_a_week_is(settings):
    bars = set_bars(insights=10_000, **settings)
    assert bars.grouping(5_000) == bars
