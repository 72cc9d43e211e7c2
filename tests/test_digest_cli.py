"""The verbs topics and digest as scripts and people meet them."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import servers
import time_machine
import typer
from digest_material import MONDAY
from digest_workspace import ask, make_workspace
from smtp_server import run_smtp
from typer.testing import CliRunner

import digest.cli
from harvester.cli_support import errors_as_exit_codes

app = typer.Typer()


@app.callback()
def choose(ctx: typer.Context, config: Path = typer.Option(..., "--config")) -> None:  # noqa: B008
    ctx.obj = config


digest.cli.register(app)


@pytest.fixture(autouse=True)
def on_monday_morning():
    with time_machine.travel(MONDAY + timedelta(hours=1), tick=True):
        yield


@pytest.fixture
def workspace(tmp_path):
    with run_smtp("ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        database = workspace.open_database()
        for number in range(3):
            ask(database, f"Does it work with SAP {number}?", company=f"c{number}.example", topic=1)
        ask(database, "Asked long ago?", at=MONDAY - timedelta(days=50), topic=2)
        database.conn.close()
        yield workspace


def call(workspace, *arguments):
    """The exit code and what was printed."""

    def command():
        with errors_as_exit_codes():
            app(["--config", str(workspace.config_path), *arguments], standalone_mode=False)

    runner = typer.Typer()
    runner.command()(command)
    done = CliRunner().invoke(runner, [])
    return done.exit_code, done.output


UNTIL = ("--until", "2026-11-16")


def test_topics_prints_the_ranked_list_as_json(workspace):
    code, output = call(workspace, "topics", *UNTIL, "--json")
    assert code == 0
    assert [(t["rank"], t["id"], t["companies"], t["companies_28d"]) for t in json.loads(output)] == [
        (1, "T-001", 3, 3),
        (2, "T-002", 1, 0),
    ]


def test_topics_prints_a_table_of_what_was_asked(workspace):
    _, output = call(workspace, "topics", *UNTIL)
    assert "Topic 1?" in output
    assert "Topic 2?" not in output
    assert "1 more topics were not asked about in these 28 days" in output
    _, output = call(workspace, "topics", *UNTIL, "--days", "84")
    assert "Topic 2?" in output


def test_an_empty_list_is_a_sentence(workspace):
    code, output = call(workspace, "topics", "--until", "2020-01-01")
    assert code == 0
    assert output.startswith("Nobody asked anything in these 28 days")


def test_digest_sends_once_and_says_so(workspace):
    assert call(workspace, "digest", "--week", "2026-W47", "--json")[0] == 0
    code, output = call(workspace, "digest", "--week", "2026-W47")
    assert code == 0
    assert "has gone out" in output


def test_due_is_silent_when_there_is_nothing_to_do(workspace):
    call(workspace, "digest", "--due")
    assert call(workspace, "digest", "--due") == (0, "")


def test_dry_run_tells_where_the_files_are(workspace):
    code, output = call(workspace, "digest", "--dry-run", "--week", "2026-W47", "--json")
    told = json.loads(output)
    assert (code, told["state"]) == (0, "written")
    assert (Path(told["folder"]) / "digest.eml").exists()
    assert "companies" in told["subject"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("digest", "--week", "soon"), 2),
        (("digest", "--dry-run", "--due"), 2),
        (("digest", "--due", "--week", "2026-W47"), 2),
        (("digest", "--dry-run", "--week", "2099-W01"), 2),
        (("digest", "--resend"), 2),
    ],
)
def test_wrong_arguments_leave_with_2_and_one_sentence(workspace, arguments, code):
    got, output = call(workspace, *arguments)
    assert got == code
    assert len(output.strip().splitlines()) == 1


def test_a_mail_server_that_is_down_leaves_with_69(workspace):
    text = workspace.config_path.read_text()
    down = "\n".join(f"port = {servers.free_port()}" if line.startswith("port") else line for line in text.splitlines())
    workspace.config_path.write_text(down)
    code, output = call(workspace, "digest", "--week", "2026-W47")
    assert code == 69
    assert "cannot be reached" in output
