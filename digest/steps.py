"""The steps of `answers run`: what `answers poll`, `analyze` and `site` do, on an open database, noted as a run."""

from collections.abc import Callable

import structlog
from sqlite_utils import Database

from digest.site import build_site
from harvester.capture import poll
from harvester.errors import AnswersError
from harvester.store import end_run, start_run
from harvester.workspace import Workspace
from nlp.analysis import analyze, count_waiting

log = structlog.get_logger()


def poll_step(workspace: Workspace, database: Database) -> bool:
    """One pass over the mailbox; True when it brought new mails."""

    def act() -> tuple[bool, str]:
        captured = poll(database, workspace.config.imap, workspace.now(), lambda count: None)
        return captured.new > 0, f"{captured.seen} seen, {captured.new} new"

    return _noted(workspace, database, "poll", act)


def analyze_step(workspace: Workspace, database: Database) -> bool:
    """Understand what is stored; True when there was anything. Without new mails no model is loaded."""
    if not count_waiting(database):
        return False

    def act() -> tuple[bool, str]:
        config = workspace.config
        done = analyze(
            database,
            workspace.reading_settings(),
            workers=config.engine.workers,
            zone=config.company.zone,
            now=workspace.now(),
        )
        return True, done.sentence

    return _noted(workspace, database, "analyze", act)


def site_step(workspace: Workspace, database: Database) -> bool:
    """Build the pages anew."""

    def act() -> tuple[bool, str]:
        return False, f"{build_site(workspace, database, workspace.now())} topic pages"

    return _noted(workspace, database, "site", act)


def _noted(workspace: Workspace, database: Database, verb: str, act: Callable[[], tuple[bool, str]]) -> bool:
    run = start_run(database, verb, workspace.now())
    try:
        changed, detail = act()
    except AnswersError as error:
        end_run(database, run, "failed", type(error).__name__, workspace.now())
        raise
    end_run(database, run, "done", detail, workspace.now())
    log.info(verb, detail=detail)
    return changed
