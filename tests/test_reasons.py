"""Reasons to buy, from a file of the workspace: topics tell which one they support, and without the file nothing."""

import json
from pathlib import Path

import pytest
from topic_material import HOSTING, MONDAY, PRICE, SAP, add_insights
from typer.testing import CliRunner

from answers import app
from harvester.config import load_config
from harvester.errors import ConfigurationError
from harvester.workspace import find_workspace
from nlp.embedding import load_encoders
from nlp.growth import grow_topics
from nlp.reasons import FILE_NAME, read_reasons

CONFIG = '[company]\nname = "Acme"\ndomains = ["acme.example"]\ncompetitors = ["Plantora"]\n[engine]\nworkers = 1\n'
REASONS = """
[[reason]]
name = "Your data stays in Europe"
words = ["where is the data stored", "are the servers in the European Union"]

[[reason]]
name = "Quiet enough for an office"
words = ["how loud is the machine", "the noise annoys our neighbours"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reasons")
    (folder / "answers.toml").write_text(CONFIG)
    database = find_workspace(folder / "answers.toml").open_database()
    add_insights(database, (*PRICE, *SAP, *HOSTING, "Where does Plantora store the data?"))
    grow_topics(database, load_encoders(), MONDAY)
    database.conn.close()
    return folder


def answers(folder: Path, *arguments: str, exit_code: int = 0) -> str:
    done = CliRunner().invoke(app, ["--config", str(folder / "answers.toml"), *arguments], catch_exceptions=False)
    assert done.exit_code == exit_code, done.output
    return done.stdout


def list_topics(folder: Path) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in json.loads(answers(folder, "topics", "--until", "2026-11-09", "--json"))}


def find_hosting(folder: Path) -> dict[str, object]:
    return next(one for name, one in list_topics(folder).items() if "data" in name or "server" in name)


def test_a_topic_tells_which_reason_it_supports_and_why(folder: Path) -> None:
    (folder / FILE_NAME).write_text(REASONS, encoding="utf-8")
    hosting = find_hosting(folder)
    (support,) = hosting["reasons"]  # type: ignore[misc]
    assert support["reason"] == "Your data stays in Europe"
    assert support["score"] >= 0.25
    assert support["phrasing"] in REASONS
    assert support["insight"] in (*HOSTING, "Where does Plantora store the data?")
    others = [one["reasons"] for one in list_topics(folder).values() if one["id"] != hosting["id"]]
    assert others
    assert not any(others)
    answers(folder, "site")
    page = next((folder / "site" / "t").glob(f"{hosting['id']}-*/index.html")).read_text(encoding="utf-8")
    assert "Supports reason to buy" in page
    assert "Your data stays in Europe" in page
    assert "Supports reason to buy: Your data stays in Europe" in answers(folder, "brief", str(hosting["id"]))


def test_without_the_file_nothing_is_shown(folder: Path) -> None:
    (folder / FILE_NAME).unlink(missing_ok=True)
    assert not any(one["reasons"] for one in list_topics(folder).values())
    answers(folder, "site")
    assert not [
        page for page in (folder / "site").rglob("index.html") if "reason to buy" in page.read_text(encoding="utf-8")
    ]


def test_competitors_of_the_config_are_counted_by_company_in_their_topic(folder: Path) -> None:
    (folder / FILE_NAME).unlink(missing_ok=True)
    topics = list_topics(folder).values()
    named = [one for one in topics if one["competitors"]]
    assert [one["competitors"] for one in named] == [[{"name": "Plantora", "companies": 1, "listed": True}]]
    answers(folder, "site")
    page = next((folder / "site" / "t").glob(f"{named[0]['id']}-*/index.html")).read_text(encoding="utf-8")
    assert "Plantora" in page[page.index("Named by buyers") :]
    assert "They name: Plantora" in answers(folder, "brief", str(named[0]["id"]))


def test_what_only_the_text_shows_stays_inside(folder: Path) -> None:
    inside = find_workspace(folder / "answers.toml").open_database()
    inside.conn.execute("update insights set text = 'Where are the Docuvault and SAP files stored?' where id = 12")
    inside.conn.execute("update insights set text = 'Is the Docuvault archive in Europe?' where id = 13")
    inside.conn.commit()
    inside.conn.close()
    answers(folder, "site")
    pages = [page.read_text(encoding="utf-8") for page in (folder / "site" / "t").glob("*/index.html")]
    lists = [page[page.index("Named by buyers") :] for page in pages if "Named by buyers" in page]
    assert any("Docuvault" in one and "found in the text" in one for one in lists)
    (folder / "answers.toml").write_text(CONFIG + '[site]\nbuild = "shareable"\npath = "shared"\n')
    answers(folder, "site")
    (folder / "answers.toml").write_text(CONFIG)
    pages = [page.read_text(encoding="utf-8") for page in (folder / "shared" / "t").glob("*/index.html")]
    lists = [page[page.index('id="named"') : page.index('id="history"')] for page in pages if 'id="named"' in page]
    assert lists
    assert not [one for one in lists if "Docuvault" in one]
    assert any("Plantora" in one for one in lists)


def test_the_example_in_the_docs_can_be_read(tmp_path: Path) -> None:
    content = (Path(__file__).parent.parent / "docs" / "content.md").read_text(encoding="utf-8")
    (example,) = (block for block in content.split("```") if block.startswith("toml\n[[reason]]"))
    (tmp_path / FILE_NAME).write_text(example.removeprefix("toml\n"), encoding="utf-8")
    (reason,) = read_reasons(tmp_path)
    assert reason.words[0] == reason.name


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[reason]\n", "reasons.toml: is not TOML"),
        ("why = 3\n", "reasons.toml: 'why' is unknown; each entry begins with [[reason]]"),
        ("reason = []\n", "reasons.toml: holds no [[reason]]"),
        ('[[reason]]\nwords = ["a"]\n', "reason 1: needs a name of one line"),
        ('[[reason]]\nname = "Fast"\n', "reason 'Fast': needs words"),
        ('[[reason]]\nname = "Fast"\nwords = []\n', "reason 'Fast': needs words"),
        ('[[reason]]\nname = "Fast"\nword = ["a"]\n', "reason 'Fast': 'word' is unknown; use name, words"),
        ('[[reason]]\nname = "A"\nwords = ["a"]\n[[reason]]\nname = "a"\nwords = ["b"]\n', "is there twice"),
    ],
)
def test_a_bad_file_gets_a_sentence(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_reasons(tmp_path)
    assert problem in str(raised.value)


def test_doctor_checks_the_file(folder: Path) -> None:
    (folder / FILE_NAME).write_text(REASONS, encoding="utf-8")
    assert find_check(folder) == ("ok", "reasons.toml names 2 reasons to buy")
    (folder / FILE_NAME).write_text("reason = 3", encoding="utf-8")
    outcome, detail = find_check(folder)
    assert outcome == "failed"
    assert "reasons.toml: holds no [[reason]]" in detail
    (folder / FILE_NAME).unlink()
    assert find_check(folder)[0] == "skipped"


def find_check(folder: Path) -> tuple[str, str]:
    done = CliRunner().invoke(app, ["--config", str(folder / "answers.toml"), "doctor", "--json"])
    check = next(one for one in json.loads(done.stdout)["checks"] if one["name"] == "reasons")
    return check["outcome"], check["detail"]


def test_names_in_the_config_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text('[company]\nname = "Acme"\ndomains = ["acme.example"]\ncompetitors = ["X"]\n')
    with pytest.raises(ConfigurationError, match=r"\[company\] competitors.*expected a name of 2 to 60 letters"):
        load_config(path)
