"""What only this company's buyers ask, written down by a marketer: found from the first mails on, without harm."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from answers import app
from harvester.errors import ConfigurationError
from nlp.atlas import LANGUAGES, shipped_archetypes
from nlp.embedding import load_encoders
from nlp.own_atlas import FILE_NAME, read_own_atlas
from nlp.own_meanings import learn_own
from nlp.same_topic import SameTopic, load_same_topic
from nlp.space import Expression, embed_expressions, lay_out_all_blocks

ROOT = Path(__file__).parent.parent
CONFIG = '[company]\nname = "Saltholm Ferries"\ndomains = ["saltholm.example"]\n[engine]\nworkers = 1\n'
DOGS = """
[[archetype]]
id = "dogs-on-board"
name = "Does the ferry take dogs?"
category = "fit"
stage = "consideration"
en = [
  "Can I bring my dog on board?",
  "Are pets allowed on the crossing?",
  "We travel with two spaniels, is that a problem?",
  "Our dog cannot stay in the car for six hours.",
  "It would have to take our retriever as well.",
  "Is there a cabin where animals may stay?",
]
de = ["Darf unser Hund mit an Bord?", "Nehmen Sie Haustiere mit?"]
"""
ASKED = (
    ("Is my labrador allowed on the boat?", "Yes, dogs travel with us, on a lead and in the pet cabins."),
    ("My terrier hates kennels, may she come up to the lounge with us?", "Dogs may use the aft lounge and pet cabins."),
    ("Kann unser Dackel mit in die Kabine?", "Ja, Hunde dürfen mit, in den Haustierkabinen."),
    ("What does the crossing cost for a family of four?", "A family of four pays 180 euros one way."),
)


def make_workspace(folder: Path, *, mails: int, atlas: str = "") -> Path:
    (folder / "mails").mkdir(parents=True)
    (folder / "answers.toml").write_text(CONFIG)
    if atlas:
        (folder / FILE_NAME).write_text(atlas, encoding="utf-8")
    for number, (question, answer) in enumerate(ASKED[:mails]):
        (folder / "mails" / f"{number}.eml").write_text(
            f"From: Rona Reyes <rona@saltholm.example>\nTo: Li Chen <li@company{number}.example>\nSubject: Re: hello\n"
            f"Date: Mon, 2 Nov 2026 09:14:{number:02d} +0100\nMessage-ID: <{number}@saltholm.example>\n"
            f"Content-Type: text/plain; charset=utf-8\n\nHi Li,\n\n{answer}\n\nBest regards,\nRona\n\n"
            f"On Sun, 1 Nov 2026 at 17:02, Li Chen <li@company{number}.example> wrote:\n> {question}\n",
            encoding="utf-8",
        )
    answers(folder, "load", str(folder / "mails"))
    answers(folder, "analyze")
    return folder


def answers(folder: Path, *arguments: str, exit_code: int = 0) -> str:
    done = CliRunner().invoke(app, ["--config", str(folder / "answers.toml"), *arguments], catch_exceptions=False)
    assert done.exit_code == exit_code, done.output
    return done.stdout


def export(folder: Path) -> tuple[dict[str, str | None], dict[str, str]]:
    """(text -> topic, topic -> name)."""
    document = json.loads(answers(folder, "export", "--json"))
    return (
        {insight["text"]: insight["topic"] for insight in document["insights"]},
        {topic["id"]: topic["name"] for topic in document["topics"]},
    )


def test_the_first_mail_founds_its_topic(tmp_path: Path) -> None:
    placed, _ = export(make_workspace(tmp_path / "with", mails=1, atlas=DOGS))
    assert placed == {ASKED[0][0]: "T-001"}
    placed, _ = export(make_workspace(tmp_path / "without", mails=1))
    assert placed == {ASKED[0][0]: None}


def test_a_few_mails_are_one_topic_under_the_name_that_the_marketer_gave(tmp_path: Path) -> None:
    placed, names = export(make_workspace(tmp_path / "work", mails=4, atlas=DOGS))
    dogs = {placed[question] for question, _ in ASKED[:3]}
    assert len(dogs) == 1
    assert names[dogs.pop() or ""] == "Does the ferry take dogs?"
    assert placed[ASKED[3][0]] not in dogs


@pytest.fixture(scope="module")
def widened(tmp_path_factory: pytest.TempPathFactory) -> SameTopic:
    folder = tmp_path_factory.mktemp("atlas")
    (folder / FILE_NAME).write_text(DOGS, encoding="utf-8")
    return learn_own(load_same_topic(), read_own_atlas(folder), lay_out_all_blocks(load_encoders()))


def test_what_the_program_knows_is_recognised_as_before(widened: SameTopic) -> None:
    said = [Expression(text, "", None, code) for one in shipped_archetypes() for code, text in one.phrasings[::6]]
    rows = embed_expressions(lay_out_all_blocks(load_encoders()), said).questions
    before, after = load_same_topic().recogniser.chances(rows), widened.recogniser.chances(rows)
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()
    assert np.abs(after[:, :-1] - before).max() < 0.1
    assert after[:, -1].max() < 0.2
    assert widened.archetypes == (*load_same_topic().archetypes, "dogs-on-board")
    assert len(widened.recogniser.usual) == len(widened.archetypes)


def test_without_a_file_the_model_is_the_shipped_one(tmp_path: Path) -> None:
    assert read_own_atlas(tmp_path) == ()
    assert learn_own(load_same_topic(), (), lay_out_all_blocks(load_encoders())) is load_same_topic()


def test_own_words_are_told_from_what_sounds_alike(widened: SameTopic) -> None:
    said = ("Does the ferry take dogs?", "Our greyhound comes along, fine with you?", "How long is the crossing?")
    rows = embed_expressions(
        lay_out_all_blocks(load_encoders()), [Expression(text, "", None, "en") for text in said]
    ).questions
    chances = widened.recogniser.chances(rows)[:, -1]
    assert chances[0] > 0.6
    assert chances[1] > 0.4
    assert chances[2] < 0.05


GOOD = 'id = "dogs"\nname = "Dogs?"\nen = ["Dogs on board?", "A dog?", "May dogs come?"]\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[archetype]\n", "is not TOML"),
        ("title = 3\n", "'title' is unknown; each entry begins with [[archetype]]"),
        ("archetype = []\n", "holds no [[archetype]]"),
        ('[[archetype]]\nname = "Dogs?"\n', "archetype 1: needs an id"),
        (
            f"[[archetype]]\n{GOOD.replace('dogs', 'Dogs on board!', 1)}",
            "'Dogs on board!': needs an id of small letters",
        ),
        (f"[[archetype]]\n{GOOD.replace('dogs', 'integration-erp', 1)}", "this id is taken"),
        (f"[[archetype]]\n{GOOD}[[archetype]]\n{GOOD}", "archetype 'dogs': this id is taken"),
        (f'[[archetype]]\n{GOOD}pl = ["Psy?"]\n', "'pl' is unknown; use id, name"),
        (f'[[archetype]]\n{GOOD}de = "Hunde?"\n', "de has to be a list"),
        (f'[[archetype]]\n{GOOD}category = "pets"\n', "category has to be one of cost"),
        (f'[[archetype]]\n{GOOD}stage = "later"\n', "stage has to be one of awareness"),
        ('[[archetype]]\nid = "dogs"\nname = "Dogs?"\nen = ["A dog?"]\n', "has 1 phrasings; 3 to 100 are needed"),
        ('[[archetype]]\nid = "dogs"\nen = ["A dog?"]\n', "needs a name"),
        (f'[[archetype]]\n{GOOD}de = ["{"x" * 500}"]\n', "at most 400 letters"),
        (f'[[archetype]]\n{GOOD}de = ["two\\nlines"]\n', "de has to be a list of texts"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_own_atlas(tmp_path)
    assert len(refused.value.problems) == 1
    assert str(refused.value).startswith("atlas.toml: ")
    assert problem in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe\x00[[archetype]]")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        read_own_atlas(tmp_path)


def test_doctor_checks_it_and_analyze_refuses_it(tmp_path: Path) -> None:
    (tmp_path / "answers.toml").write_text(CONFIG)
    assert _atlas_check(tmp_path)["detail"].startswith("the shipped one")
    (tmp_path / FILE_NAME).write_text(DOGS, encoding="utf-8")
    assert _atlas_check(tmp_path) == {
        "name": "atlas", "outcome": "ok", "detail": "atlas.toml adds 1 archetypes in 9 phrasings"
    }  # fmt: skip
    (tmp_path / FILE_NAME).write_text('[[archetype]]\nid = "dogs"\n')
    assert _atlas_check(tmp_path)["outcome"] == "failed"
    assert "'dogs': needs a name" in _atlas_check(tmp_path)["detail"]
    done = CliRunner().invoke(app, ["--config", str(tmp_path / "answers.toml"), "analyze"])
    assert isinstance(done.exception, ConfigurationError)


def _atlas_check(folder: Path) -> dict[str, str]:
    done = CliRunner().invoke(app, ["--config", str(folder / "answers.toml"), "doctor", "--json"])
    document = json.loads(done.stdout)
    checks = document["checks"] if isinstance(document, dict) else document
    return next(check for check in checks if check["name"] == "atlas")


def test_the_example_in_the_docs_can_be_used(tmp_path: Path) -> None:
    example = (ROOT / "docs" / "content.md").read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    (tmp_path / FILE_NAME).write_text(example, encoding="utf-8")
    (archetype,) = read_own_atlas(tmp_path)
    assert archetype.is_own
    assert {code for code, _ in archetype.phrasings} <= set(LANGUAGES)
