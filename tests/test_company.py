"""What two insights have in common with the rest of a mailbox, and that the shipped model judges by it."""

from functools import partial

import numpy as np
import pytest

from nlp.company import (
    COMPANY_FEATURES,
    INSIGHTS_PER_DIRECTION,
    Mailbox,
    chance,
    compare_in_company,
    measure_nearest,
    see_in_directions,
    share_company,
)
from nlp.embedding import Vectors, load_encoders
from nlp.same_topic import load_same_topic, run_trees
from nlp.space import Expression, embed_expressions, first_centre, lay_out_all_blocks
from nlp.views import FEATURES, Said, see

DELIVERY = "Delivery takes six weeks from the day we have the order."
TRAINING = "A trainer comes for one day, the training is free of charge."
LIKELY, UNLIKELY = 2.0, -6.0


def odds_of(labels: list[int], inside: float = LIKELY, across: float = UNLIKELY) -> Vectors:
    given = np.array(labels)
    return np.where(given[:, None] == given[None, :], inside, across).astype(np.float32)


@pytest.fixture(scope="module")
def mailbox() -> Mailbox:
    """Eleven insights: five on delivery, five on training, and one beside them that nobody answered."""
    things, people = ("pump", "seal", "lorry", "valve", "hose"), ("cook", "driver", "nurse", "clerk", "smith")
    pairs = [(f"How long until the {thing} is here?", DELIVERY) for thing in things]
    pairs += [(f"Who shows the {one} how it works?", TRAINING) for one in people]
    pairs.append(("Is the paint free of lead?", ""))
    encoders, model = load_encoders(), load_same_topic()
    blocks = lay_out_all_blocks(encoders)
    raw = embed_expressions(blocks, [Expression(asked, "", answer or None, "en") for asked, answer in pairs])
    said = [Said(asked, answer, "question", "en") for asked, answer in pairs]
    views = see(said, raw, first_centre(blocks), blocks, model.recogniser, model.rarity, model.metric)
    return Mailbox(views, np.array([0, 0, *range(1, 10)]))


def test_what_is_like_the_same_others_shares_company() -> None:
    odds = odds_of([0, 0, 0, 0, 1, 1, 1, 1])
    odds[0, 1] = odds[1, 0] = UNLIKELY  # alone, these two would never be taken for one topic
    shared = share_company(odds, 0.02)
    assert shared[0, 1] > shared[0, 4] + 1
    assert np.allclose(shared, shared.T)


def test_directions_keep_what_many_agree_on() -> None:
    labels = [number // 16 for number in range(64)]
    odds = odds_of(labels)
    odds[0, 16] = odds[16, 0] = LIKELY  # one pair across, against all others
    seen = see_in_directions(odds, 16)
    assert seen[0, 1] > 0.9
    assert seen[0, 16] < 0.3
    assert np.allclose(seen, seen.T, atol=1e-5)


def test_directions_are_few_in_a_small_mailbox_and_never_more_than_its_insights() -> None:
    for insights in INSIGHTS_PER_DIRECTION:
        assert see_in_directions(odds_of([0]), insights).shape == (1, 1)
        assert np.allclose(see_in_directions(odds_of([0, 1]), insights), np.eye(2), atol=1e-5)


def test_nearest_others_are_told_for_the_less_and_the_more_of_two() -> None:
    odds = np.array([[0, 3, 1], [3, 0, -2], [1, -2, 0]], dtype=np.float32)
    less_first, more_first, *_ = measure_nearest(odds)
    assert less_first[0].tolist() == [3, 3, 1]  # the nearest of the third is only 1 near
    assert more_first[2].tolist() == [3, 3, 1]
    *_, less_expected, more_expected, beyond = measure_nearest(odds)
    expected = [chance(odds[row][np.arange(3) != row]).sum() for row in range(3)]
    assert less_expected[0, 1] == pytest.approx(min(expected[:2]))
    assert more_expected[0, 1] == pytest.approx(max(expected[:2]))
    assert beyond[0, 1] == pytest.approx(3 - (2 + 0.5) / 2)


@pytest.mark.parametrize("insights", [1, 2, 11])
def test_every_pair_is_told_by_all_features_and_either_way_alike(mailbox: Mailbox, insights: int) -> None:
    model, rows = load_same_topic(), np.arange(insights)
    some = Mailbox(mailbox.views.take(rows), mailbox.mails[rows])
    compared = compare_in_company(some, partial(run_trees, model.trees))
    one, other = (part.ravel() for part in np.meshgrid(rows, rows))
    features = compared.features(one, other)
    assert features.shape == (insights**2, len(COMPANY_FEATURES))
    assert np.isfinite(features).all()
    assert np.allclose(features, compared.features(other, one), atol=1e-4)
    assert np.allclose(features[:, COMPANY_FEATURES.index("own")], compared.odds[one, other])
    same_mail = features[:, COMPANY_FEATURES.index("same mail")]
    assert same_mail.sum() == insights + 2 * (insights > 1)  # each with itself, and the first two
    assert COMPANY_FEATURES[-len(FEATURES) :] == FEATURES


def test_shipped_model_tells_the_topics_of_a_mailbox_apart_whatever_their_order(mailbox: Mailbox) -> None:
    model = load_same_topic()
    alone, together = model.log_odds_in_company(mailbox)
    assert np.array_equal(together, together.T)
    assert np.allclose(alone, alone.T)
    inside = [together[row, other] for row in range(5) for other in range(row)]
    assert min(inside) > together[:5, 5:].max()
    order = np.random.default_rng(0).permutation(11)
    _, shuffled = model.log_odds_in_company(Mailbox(mailbox.views.take(order), mailbox.mails[order]))
    assert np.allclose(shuffled, together[np.ix_(order, order)], atol=0.3)
