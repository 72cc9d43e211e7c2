"""Whom the internal and the shareable pages name."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from site_material import build, build_as, make_small_site, name_topic, read_site, tell

from harvester.errors import UsageError


def tell_about_ludovica(database) -> None:
    database.conn.execute("insert into people values (1, 'to', 'ludovica@globex.example', 'Ludovica Brandt', 0)")
    tell(database, "Ludovica Brandt asks whether Globex can pay later, call +49 30 1234567?", topic=2,
         answer="Ludovica, yes: https://intra.globex.example/x and https://www.acme.example/pay",
         link="https://intra.globex.example/x", file_name="Globex offer.pdf")  # fmt: skip
    tell(database, "May a private person buy one?", topic=2, company="li.wei@post.example")


def test_internal_pages_name_companies_and_colleagues_but_no_prospect(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    tell_about_ludovica(database)
    everything = read_site(build(workspace, database))
    for hidden in ("Ludovica", "1234567", "li.wei", "post.example"):
        assert hidden not in everything
    assert "c/globex.example.html" in everything
    assert "quoted in a mail of Ana Reyes" in everything
    assert re.search(r"private person [A-Z]{4}", everything)


def test_shareable_pages_name_nobody(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    tell_about_ludovica(database)
    name_topic(database, 3, "How does Globex delete its data?", by="ana")
    everything = read_site(build_as("shareable", "public", workspace, database))
    for hidden in (
        "ludovica",
        "1234567",
        "li.wei",
        "post.example",
        "globex",
        "initech",
        "hooli",
        "ana reyes",
        "okafor",
    ):
        assert hidden not in everything.lower()
    assert "https://www.acme.example/pay" in everything
    assert "offline" in everything
    assert re.search(r"company [A-Z]{4}", everything)


def test_pseudonyms_stay_the_same_from_build_to_build(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    builds = [build_as("shareable", folder, workspace, database) for folder in ("one", "two")]
    first, second = (set(re.findall(r"company [A-Z]{4}", read_site(site))) for site in builds)
    assert first
    assert first == second


def test_two_builds_never_share_a_folder(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    site = build_as("shareable", "public", workspace, database)
    before = read_site(site)
    with pytest.raises(UsageError, match="holds the shareable build; set"):
        build_as("internal", "public", workspace, database)
    assert read_site(site) == before
    build_as("internal", "inside", workspace, database)
    build_as("internal", "inside", workspace, database)


def test_without_redaction_companies_keep_their_names(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    config = workspace.config.model_copy(
        update={"privacy": workspace.config.privacy.model_copy(update={"redact": False})}
    )
    site = build(replace(workspace, config=config), database)
    assert "globex.example" in (site / "t/T-001-topic-1/index.html").read_text()
