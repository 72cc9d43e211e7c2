"""The learned likeness: by the words of two insights, and by the company that they share."""

import tomllib
from dataclasses import asdict, replace

import numpy as np
import pytest

from harvester.resources import data_folder
from nlp.embedding import Vectors, load_encoders
from nlp.likeness import LearnedLikeness, compare_company, find_company, place_views
from nlp.same_topic import CompanyWeights, load_same_topic, scale_log_odds
from nlp.space import Expression, embed_expressions, first_centre, lay_out_blocks
from nlp.views import Said, count_rarity, count_words_hashed, see

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


def likeness_of(pairs: tuple[tuple[str, str], ...]) -> LearnedLikeness:
    encoders, model = load_encoders(), load_same_topic()
    blocks = lay_out_blocks(encoders)
    raw = embed_expressions(blocks, [Expression(asked, "", answer, "en") for asked, answer in pairs])
    said = [Said(asked, answer, "question", "en") for asked, answer in pairs]
    views = see(said, raw, first_centre(blocks), blocks, model.recogniser, model.rarity, model.metric)
    return place_views(model, views, np.arange(len(pairs)), len(pairs))


@pytest.fixture(scope="module")
def together() -> LearnedLikeness:
    """Rows 0 to 3 mean one thing, 4 to 7 four others; seven times over, so that there is a company."""
    return likeness_of((*DELIVERY, *OTHERS) * 7)


def test_what_shares_its_company_is_more_alike(together: LearnedLikeness) -> None:
    lonely = likeness_of((*DELIVERY[:2], *(OTHERS * 14)[:54]))
    first, second = np.array([0]), np.array([1])
    assert together.between(first, second)[0, 0] > lonely.between(first, second)[0, 0]


def test_what_means_the_same_is_more_alike_than_anything_else(together: LearnedLikeness) -> None:
    rows = np.arange(8)
    similarity = together.between(rows, rows)
    inside = similarity[:4, :4][np.triu_indices(4, 1)]
    assert inside.mean() > similarity[:4, 4:].max()
    assert similarity.min() >= 0
    assert similarity.max() <= 1


def test_company_counts_where_there_is_one_and_not_among_many(together: LearnedLikeness) -> None:
    def grown(size: int) -> LearnedLikeness:
        rows = np.resize(np.arange(8), size)
        return place_views(together.model, together.views.take(rows), np.arange(size), size)

    assert [grown(size).share for size in (8, 20, 35, 50, 300, 450, 600, 700)] == [0, 0, 0.5, 1, 1, 0.5, 0, 0]
    rows = np.arange(8)
    own = scale_log_odds(together.model.log_odds(together.views.take(rows), together.views.take(rows)))
    assert np.array_equal(grown(600).between(rows, rows), own)
    assert not np.allclose(grown(300).between(rows, rows), own, atol=0.01)


def test_company_is_counted_in_shares(together: LearnedLikeness) -> None:
    company = find_company(together.model, together.views)
    assert company.shape == (56, 56)
    assert np.allclose(np.linalg.norm(company, axis=1), 1, atol=1e-5)
    assert company.argmax(axis=1).tolist() == list(range(56))


def test_the_weights_of_company_are_those_that_the_training_wrote() -> None:
    told = tomllib.loads((data_folder() / "topics" / "same_topic.toml").read_text(encoding="utf-8"))["company"]
    assert asdict(load_same_topic().company) == told
    assert set(told) == {"own", "shared", "bias"}


def test_the_likeness_is_that_of_its_model_s_weights(together: LearnedLikeness) -> None:
    def weighed(own: float, shared: float, bias: float) -> Vectors:
        model = replace(together.model, company=CompanyWeights(own, shared, bias))
        return replace(together, model=model).between(rows, rows)

    rows = np.arange(8)
    views = together.views.take(rows)
    shared = compare_company(together.company[rows], together.company[rows])
    assert np.allclose(weighed(1, 0, 0), scale_log_odds(together.model.log_odds(views, views)))
    assert np.allclose(weighed(0, 2, -1), scale_log_odds(2 * shared - 1))
    assert not np.allclose(weighed(0, 2, -1), together.between(rows, rows), atol=0.01)


def test_what_every_mail_of_the_company_speaks_of_tells_nothing() -> None:
    texts = ["The payroll is late", "Is payroll here cheap?", "payroll abroad", "Who signs the payroll?"]
    rarity = count_rarity(texts)
    common, rare, absent = (count_words_hashed([word]).indices[0] for word in ("payroll", "abroad", "zebra"))
    assert rarity[common] == 0
    assert 0 < rarity[rare] < rarity[absent]
