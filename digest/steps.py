"""The steps of `answers run`: what `answers poll`, `analyze` and `site` do, on an open database, noted as a run."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlite_utils import Database

from digest.site import build_site
from digest.store import end_alarm, raise_alarm
from harvester.capture import poll
from harvester.store import noted_run
from harvester.workspace import Workspace
from nlp.analysis import analyze, count_waiting
from nlp.own_atlas import read_own_atlas
from nlp.retention import apply_retention

WITHHELD = "mailbox:withheld"

log = structlog.get_logger()


def poll_step(workspace: Workspace, database: Database) -> bool:
    """One pass over the mailbox; True when it brought new mails."""
    with _logged(workspace, database, "poll") as detail:
        captured = poll(database, workspace.config.imap, workspace.now(), lambda count: None)
        detail.append(captured.sentence)
    if captured.withheld:
        sentence = (
            f"The mail server fails at {captured.withheld} mails, which are not read; its log tells which and why."
        )
        raise_alarm(database, WITHHELD, sentence, workspace.now())
    else:
        end_alarm(database, WITHHELD, workspace.now())
    return captured.new > 0


def analyze_step(workspace: Workspace, database: Database) -> bool:
    """Understand what is stored, delete what is too old; True when there was anything new. Else no model is loaded."""
    config = workspace.config
    apply_retention(database, config, workspace.now())
    if not count_waiting(database):
        return False
    with _logged(workspace, database, "analyze") as detail:
        done = analyze(
            database,
            workspace.reading_settings(),
            workers=config.engine.workers,
            zone=config.company.zone,
            now=workspace.now(),
            own=read_own_atlas(workspace.folder),
        )
        detail.append(done.sentence)
    return True


def site_step(workspace: Workspace, database: Database) -> bool:
    """Build the pages anew."""
    with _logged(workspace, database, "site") as detail:
        detail.append(f"{build_site(workspace, database, workspace.now())} topic pages")
    return False


@contextmanager
def _logged(workspace: Workspace, database: Database, verb: str) -> Iterator[list[str]]:
    with noted_run(database, verb, workspace.now) as detail:
        yield detail
    log.info(verb, detail=", ".join(detail))
