"""The shipped model decides over sentences as well as it did when it was fitted."""

from pathlib import Path

import numpy as np
import pytest

from harvester.errors import ModelError
from harvester.records import Part, Role
from harvester.resources import data_folder
from nlp.candidates import find_candidates
from nlp.embedding import verify_sha256
from nlp.extraction import extract_insights
from nlp.left_out import find_left_out
from nlp.records import Kind
from nlp.sentence_model import TrainedSentenceModel, load_sentence_model


@pytest.fixture(scope="module")
def model() -> TrainedSentenceModel:
    loaded = load_sentence_model()
    assert loaded is not None
    return loaded


def kinds(text: str, model: TrainedSentenceModel) -> list[Kind]:
    part = Part(Role.QUOTED, text, depth=1, author_kind="prospect")
    return [insight.kind for insight in extract_insights((part,), subject="", model=model)]


def test_pains_without_a_cue_are_found(model: TrainedSentenceModel) -> None:
    text = "Dear Ann,\n\nEach of our shops keeps its own list, and the lists end up in a drawer.\n\nRegards\nKim"
    assert kinds(text, model) == [Kind.PAIN]


def test_small_talk_and_plain_facts_are_not(model: TrainedSentenceModel) -> None:
    text = "Thank you for coming on Tuesday.\n\nWe are a bakery with thirty shops.\n\nIs your knee better?"
    assert kinds(text, model) == []


def test_a_short_request_is_heard_when_it_is_the_whole_mail(model: TrainedSentenceModel) -> None:
    assert len(kinds("Hello,\n\nplease take my brother off the contract\n\nRegards\nKim", model)) == 1
    assert len(kinds("parcel arrived soaked", model)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "If you would like to stop getting these letters, click on the link at the bottom.",
        "I will ask Gudrun for the signed copy and get back to you after the hearing.",
        "With the new release you can share your lists with friends and set reminders.",
    ],
)
def test_office_notes_and_newsletters_are_none(text: str, model: TrainedSentenceModel) -> None:
    assert kinds(text, model) == []


def test_only_the_one_sentence_of_a_mail_is_judged_as_a_whole_mail() -> None:
    one = Part(Role.QUOTED, "Dear Ann,\n\nplease call me back.\n\nRegards\nKim", depth=1, author_kind="prospect")
    assert [candidate.is_all for candidate in find_candidates((one,), "")] == [True]
    assert [candidate.is_all for candidate in find_candidates((one, one), "")] == [False, False]


def test_the_same_mail_gives_the_same_numbers(model: TrainedSentenceModel) -> None:
    part = Part(Role.QUOTED, "What would forty seats cost?", depth=1, author_kind="prospect")
    one, two = (extract_insights((part,), subject="", model=model) for _ in range(2))
    assert one == two


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "model.npz"
    copy.write_bytes((data_folder() / "insights" / "model.npz").read_bytes()[:-1])
    expected = (data_folder() / "insights" / "model.sha256").read_text().strip()
    with pytest.raises(ModelError, match="damaged"):
        verify_sha256(copy, expected)


def test_the_model_holds_plain_numbers() -> None:
    with np.load(data_folder() / "insights" / "model.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fU" for name in arrays.files)


def test_a_courtesy_in_the_form_of_a_question_must_be_overruled_clearly(model: TrainedSentenceModel) -> None:
    assert kinds("Le ho spedito due bottiglie. Non è un colore meraviglioso? Suo figlio è guarito?", model) == []
    assert kinds("Le ho spedito due bottiglie. Non è possibile pagare a sessanta giorni?", model) == [Kind.QUESTION]


def test_a_courtesy_that_was_not_taken_is_told_what_it_needed(model: TrainedSentenceModel) -> None:
    text = "Le ho spedito due bottiglie. Non è un colore meraviglioso? Suo figlio è guarito?"
    parts = (Part(Role.QUOTED, text, depth=1, author_kind="prospect"),)
    reasons = {one.text: one.reason for one in find_left_out(parts, "", (), model)}
    assert "65% are needed; asks nobody" in reasons["Non è un colore meraviglioso?"]
    assert "48% are needed" in reasons["Le ho spedito due bottiglie."]
