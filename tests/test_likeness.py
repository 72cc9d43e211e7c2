"""The learned likeness: by the words of two insights, and by the company that they share."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from nlp.company import Mailbox
from nlp.embedding import load_encoders
from nlp.likeness import COMPANY_SIZES, LearnedLikeness, choose_compared, place_views, scale_alone
from nlp.same_topic import load_same_topic, scale_log_odds
from nlp.space import Expression, embed_expressions, first_centre, lay_out_all_blocks
from nlp.views import Said, count_rarity, count_words_hashed, see

ROOT = Path(__file__).parent.parent

DELIVERY = (
    ("How long until the pumps would stand in our yard?", "Delivery takes six weeks from the day we have the order."),
    ("We open in May. Is that cutting it fine?", "Six weeks from order to delivery, so May is no trouble."),
    ("My boss worries that everything arrives after the season.", "Delivery is six weeks from your order."),
    ("If I sign on Monday, when does the lorry come?", "Six weeks after the order, to the day. Delivery is included."),
)
OTHERS = (
    ("Who shows the night shift which button does what?", "A trainer comes for one day, training is free of charge."),
    ("Do you take back the old pump?", "We take it back and recycle it, at no cost."),
    ("What does a spare seal cost?", "A seal is nineteen euro."),
    ("Is there a discount for three sites?", "From three sites on, ten per cent."),
)


def likeness_of(said: list[Said]) -> LearnedLikeness:
    encoders, model = load_encoders(), load_same_topic()
    blocks = lay_out_all_blocks(encoders)
    raw = embed_expressions(blocks, [Expression(one.text, "", one.answer or None, one.language) for one in said])
    views = see(said, raw, first_centre(blocks), blocks, model.recogniser, model.rarity, model.metric)
    return place_views(model, views, np.arange(len(said)), np.arange(len(said)), len(said))


@pytest.fixture(scope="module")
def together() -> LearnedLikeness:
    """Rows 0 to 3 mean one thing, 4 to 7 four others; seven times over, so that there is a company."""
    return likeness_of([Said(asked, answer, "question", "en") for asked, answer in (*DELIVERY, *OTHERS) * 7])


def test_company_tells_more_than_the_pair_alone() -> None:
    """In a mailbox that no model has learned from."""
    lines = (ROOT / "bench/scored/kirkoswald-kits.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    likeness = likeness_of([Said(row["text"], row["answer"] or "", row["kind"], row["language"]) for row in rows])
    alone, in_company = likeness.model.log_odds_in_company(Mailbox(likeness.views, np.arange(len(rows))))
    pairs = np.triu_indices(len(rows), 1)
    topics = np.array([row["topic"] for row in rows])
    same = (topics[:, None] == topics[None, :])[pairs]
    by_itself, together = (average_precision_score(same, odds[pairs]) for odds in (alone, in_company))
    assert same.mean() < 0.05
    assert 0.1 < by_itself < together - 0.02


def test_what_means_the_same_is_more_alike_than_anything_else(together: LearnedLikeness) -> None:
    rows = np.arange(8)
    similarity = together.between(rows, rows)
    inside = similarity[:4, :4][np.triu_indices(4, 1)]
    assert inside.mean() > similarity[:4, 4:].max()
    assert similarity.min() >= 0
    assert similarity.max() <= 1


def test_company_counts_where_there_is_one_and_not_among_many(together: LearnedLikeness) -> None:
    model, rows = together.model, np.arange(8)

    def grown(size: int) -> LearnedLikeness:
        views = together.views.take(np.resize(np.arange(56), size))
        return place_views(model, views, np.arange(size), np.arange(size), size)

    alone = scale_alone(model.log_odds(together.views.take(rows), together.views.take(rows)))
    for size in (8, 20):
        assert grown(size).known is None
        assert np.array_equal(grown(size).between(rows, rows), alone)
    half, whole = grown(35), grown(56)
    _, in_company = model.log_odds_in_company(Mailbox(whole.views, np.arange(56)))
    assert np.array_equal(whole.between(rows, rows), scale_log_odds(in_company)[:8, :8])
    assert not np.allclose(whole.between(rows, rows), alone, atol=0.01)
    beside, company = model.log_odds_in_company(Mailbox(half.views, np.arange(35)))
    assert np.allclose(half.between(rows, rows), (scale_alone(beside) + scale_log_odds(company))[:8, :8] / 2)


def test_among_too_many_each_pair_is_judged_by_itself(together: LearnedLikeness) -> None:
    size = COMPANY_SIZES[-1]
    views = together.views.take(np.resize(np.arange(56), size))
    crowd = place_views(together.model, views, np.arange(size), np.arange(size), size)
    rows = np.arange(8)
    assert crowd.known is None
    assert np.array_equal(
        crowd.between(rows, rows), scale_alone(crowd.model.log_odds(views.take(rows), views.take(rows)))
    )


def test_only_what_is_compared_has_a_likeness(together: LearnedLikeness) -> None:
    rows = np.arange(56) * 2
    spread = place_views(together.model, together.views, np.arange(56), rows, 112)
    assert np.flatnonzero(spread.comparable).tolist() == rows.tolist()
    assert np.array_equal(spread.between(rows[:8], rows[8:16]), together.between(np.arange(8), np.arange(8, 16)))


def test_what_every_mail_of_the_company_speaks_of_tells_nothing() -> None:
    texts = ["The payroll is late", "Is payroll here cheap?", "payroll abroad", "Who signs the payroll?"]
    rarity = count_rarity(texts)
    common, rare, absent = (count_words_hashed([word]).indices[0] for word in ("payroll", "abroad", "zebra"))
    assert rarity[common] == 0
    assert 0 < rarity[rare] < rarity[absent]


def test_of_many_topics_fewer_members_are_compared_so_that_there_is_company() -> None:
    few, many = np.repeat(np.arange(31), 40), np.repeat(np.arange(101), 40)
    assert len(choose_compared(few)) == 40 + 30 * 30
    assert len(choose_compared(many)) == 40 + 100 * 10
    latest = choose_compared(many)
    assert latest[:40].tolist() == list(range(40))  # whatever is unplaced
    assert latest[40:50].tolist() == list(range(70, 80))


def test_where_there_is_no_company_anyway_topics_show_all_the_members_they_may() -> None:
    assert len(choose_compared(np.repeat(np.arange(301), 40))) == 40 + 300 * 30
