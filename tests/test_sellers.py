"""What somebody writes who sells to the colleague is no insight; what buyers write is."""

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"
if not BENCH.exists():
    pytest.skip("the benches are not part of the package", allow_module_level=True)
sys.path.insert(0, str(BENCH))

from train_sellers import correspondence_of, read_replies, read_rows, read_written  # noqa: E402

from harvester.errors import ModelError  # noqa: E402
from harvester.records import Part, Role  # noqa: E402
from harvester.resources import data_folder  # noqa: E402
from nlp.candidates import find_candidates  # noqa: E402
from nlp.extraction import extract_insights  # noqa: E402
from nlp.left_out import find_left_out  # noqa: E402
from nlp.sellers import load_seller_model, read_correspondence  # noqa: E402
from nlp.sentence_model import TrainedSentenceModel, load_sentence_model  # noqa: E402

PITCH = (
    "Hello Ruth,\n\nwhat do you pay for your toner today? We deliver the same cartridges for half of it, guaranteed,"
    " and we are looking for ten offices to try them free of charge. Who decides on supplies at yours?\n\nGavin"
)
BUYER = (
    "Hello Ruth,\n\nwhat would we pay for twelve users? Another vendor guarantees us half of your price and sent three"
    " months free of charge. Can you do anything about it?\n\nGavin"
)


@pytest.fixture(scope="module")
def model() -> TrainedSentenceModel:
    loaded = load_sentence_model()
    assert loaded is not None
    return loaded


def mail(text: str, reply: str = "") -> tuple[Part, ...]:
    own = (Part(Role.OWN, reply, author_kind="us"),) if reply else ()
    return (*own, Part(Role.QUOTED, text, depth=1, author_kind="prospect"))


def test_an_offer_to_the_colleague_holds_no_insight(model: TrainedSentenceModel) -> None:
    assert extract_insights(mail(PITCH, "No thanks, we hardly print."), model=model) == ()


def test_what_a_buyer_says_of_another_offer_does(model: TrainedSentenceModel) -> None:
    found = extract_insights(mail(BUYER, "Twelve users are 240 a month. I will ask about a discount."), model=model)
    assert "what would we pay for twelve users?" in [one.text for one in found]


def test_explain_says_why(model: TrainedSentenceModel) -> None:
    parts = mail(PITCH, "No thanks, we hardly print.")
    reasons = {one.reason for one in find_left_out(parts, "", (), model) if one.text}
    assert len(reasons) == 1
    assert "sells to the colleague" in reasons.pop()


def test_a_note_is_the_colleagues_word(model: TrainedSentenceModel) -> None:
    parts = (Part(Role.OWN, PITCH, author_kind="us"),)
    assert extract_insights(parts, model=model, heard=True)


def test_one_sentence_is_never_enough(model: TrainedSentenceModel) -> None:
    assert model.seller_chances([correspondence_of("What do you pay for your toner today?", "No thanks.")]) == [0.0]
    assert model.are_sellers([]) == []


def test_only_prospects_and_the_colleagues_own_words_count() -> None:
    parts = (
        Part(Role.OWN, "We open at nine. On Sundays we rest.", author_kind="us"),
        Part(Role.QUOTED, "When do you open? On Sundays, too?", depth=1, author_kind="prospect"),
        Part(Role.HISTORY, "We are open now.", depth=2, author_kind="us"),
    )
    correspondence = read_correspondence(parts, find_candidates(parts, ""))
    assert correspondence.said == ("When do you open?", "On Sundays, too?")
    assert correspondence.answered == ("We open at nine.", "On Sundays we rest.")


def test_mails_it_never_learned_from_are_told_apart(model: TrainedSentenceModel) -> None:
    rows = read_rows(BENCH / "scored" / "sellers.jsonl")
    told = model.are_sellers([correspondence_of(row["text"], row["reply"]) for row in rows])
    offers = [one for one, row in zip(told, rows, strict=True) if row["sort"] == "offer"]
    buyers = [one for one, row in zip(told, rows, strict=True) if row["buyer"]]
    assert min(len(offers), len(buyers)) >= 18
    assert sum(offers) >= 0.7 * len(offers)
    assert not any(buyers)


def test_what_is_scored_is_not_learned_from() -> None:
    replies = read_replies(BENCH / "training" / "replies.jsonl")
    learned = {row["text"] for row in read_rows(BENCH / "training" / "sellers.jsonl")}
    assert learned.isdisjoint(row["text"] for row in read_rows(BENCH / "scored" / "sellers.jsonl"))
    assert all(
        len(letter.correspondence.said) for letter in read_written(BENCH / "training" / "sellers.jsonl", replies)
    )


def test_a_damaged_file_is_named(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "insights"
    folder.mkdir()
    (folder / "sellers.npz").write_bytes(b"damaged")
    (folder / "sellers.sha256").write_text((data_folder() / "insights" / "sellers.sha256").read_text())
    monkeypatch.setattr("nlp.sellers.data_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match="sellers"):
        load_seller_model()
