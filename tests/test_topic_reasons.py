"""Why an insight is where it is: whom it is like, what would have been next best, who decided."""

import json
from pathlib import Path

from digest_workspace import make_workspace
from sqlite_utils import Database
from topic_material import HOSTING, MONDAY, PRICE, SAP, add_insights
from typer.testing import CliRunner

from answers import app
from harvester.workspace import Workspace
from nlp.decision_store import carry_out, load_assigned
from nlp.decisions import move_insights
from nlp.embedding import load_encoders
from nlp.growth import grow_topics
from nlp.records import topic_id
from nlp.store import find_topic
from nlp.topic_reasons import TopicReasons, explain_topic


def make_grown(folder: Path) -> tuple[Workspace, Database]:
    workspace = make_workspace(folder, 1)
    database = workspace.open_database()
    add_insights(database, (*PRICE, *SAP, *HOSTING))
    grow_topics(database, load_encoders(), MONDAY)
    return workspace, database


def topic_of(database: Database, insight: int) -> str:
    return topic_id(database.conn.execute("select topic from assignments where insight = ?", (insight,)).fetchone()[0])


def reason_of(reasons: TopicReasons, insight: int):
    return next(reason for reason in reasons.reasons if reason.insight.id == insight)


def test_each_insight_names_those_it_is_like_and_the_next_best_topic(tmp_path: Path):
    _, database = make_grown(tmp_path / "w")
    reasons = explain_topic(database, topic_of(database, 1))
    first = reason_of(reasons, 1)
    assert {neighbour.insight for neighbour in first.nearest} <= set(range(1, len(PRICE) + 1)) - {1}
    assert first.score > (first.rival.score if first.rival else 0)
    assert first.rival is not None
    assert first.rival.topic in {topic_of(database, len(PRICE) + 1), topic_of(database, len(PRICE) + len(SAP) + 1)}
    assert first.decided_by == "machine"


def test_what_a_person_moved_says_who_did(tmp_path: Path):
    _, database = make_grown(tmp_path / "w")
    target = topic_of(database, len(PRICE) + 1)
    carry_out(database, move_insights(find_topic(database, target), load_assigned(database, [1])), "ana", MONDAY)
    reasons = explain_topic(database, target)
    assert reason_of(reasons, 1).decided_by == "ana"
    assert [decision.verb for decision in reasons.decisions] == ["move"]


def test_another_scorer_may_be_asked(tmp_path: Path):
    class Same:
        name = "chance"

        def score(self, one, other):
            import numpy as np

            return np.full((len(one), len(other)), 0.25, dtype=np.float32)

    _, database = make_grown(tmp_path / "w")
    reasons = explain_topic(database, topic_of(database, 1), Same())
    assert reasons.measure == "chance"
    assert {neighbour.score for reason in reasons.reasons for neighbour in reason.nearest} == {0.25}


def test_the_command_tells_it_to_people_and_scripts(tmp_path: Path):
    workspace, database = make_grown(tmp_path / "w")
    topic = topic_of(database, 1)
    database.conn.close()
    command = ["--config", str(workspace.config_path), "topics", "--explain", topic]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert "like #" in told.output
    assert "next best" in told.output
    document = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    assert document["id"] == topic
    assert all(0 <= near["score"] <= 1.001 for one in document["insights"] for near in one["nearest"])
