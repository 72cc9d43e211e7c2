"""Joins the jobs of `answers run` from the functions that the commands call."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlite_utils import Database

from digest.daemon import Daemon, Job, Reports, retry_delay
from digest.dispatch import Outcome, is_digest_due, is_sending_configured, send_due_digest
from digest.notices import tell_owner
from digest.spare_notices import SpareNotices
from digest.store import end_alarm, raise_alarm
from harvester.errors import AnswersError, DiskFull
from harvester.imap import open_mailbox
from harvester.store import end_run, start_run
from harvester.workspace import Workspace

# A link that is half open looks like "no mail": the server is asked whether it lives, often enough to see the next mail
# within a minute.
IDLE_SECONDS = 25.0
ANSWER_SECONDS = 15.0
RECONCILE_SECONDS = 240.0

log = structlog.get_logger()
Step = Callable[[Database], bool]


def make_daemon(workspace: Workspace, *, poll: Step, analyze: Step, build_site: Step) -> Daemon:
    """The daemon of a workspace. Each step gets an open database and returns whether it changed anything."""
    config = workspace.config

    def opened(step: Step) -> Callable[[], bool]:
        def run() -> bool:
            database = workspace.open_database()
            try:
                return step(database)
            finally:
                database.conn.close()

        return run

    jobs: list[Job] = []
    if config.imap.host:
        jobs.append(Job("poll", timedelta(minutes=config.imap.poll_every_minutes), opened(poll), wakes=("analyze",)))
    jobs.append(Job("analyze", timedelta(hours=1), opened(analyze), wakes=("site",)))
    jobs.append(Job("site", timedelta(hours=1), opened(build_site)))
    if is_sending_configured(config):
        needs = tuple(job.name for job in jobs if job.name in ("poll", "analyze"))
        send = opened(lambda database: _send_due(workspace, database))
        # What went out has its web copy beside the pages.
        jobs.append(Job("digest", timedelta(minutes=1), send, wakes=("site",), needs=needs))
    return Daemon(tuple(jobs), _reports(workspace), clock=workspace.now)


def ask_for_digest(
    workspace: Workspace, database: Database, ask: Callable[[Workspace, Database, datetime], Outcome]
) -> Outcome:
    """Send by `ask`, note the run for `status`, and tell the owner what he should know."""
    now = workspace.now()
    run = start_run(database, "digest", now)
    try:
        outcome = ask(workspace, database, now)
    except AnswersError as error:
        end_run(database, run, "failed", type(error).__name__, workspace.now())
        raise
    else:
        end_run(database, run, "done", f"{outcome.week} {outcome.state}", workspace.now())
        end_alarm(database, "job:digest", workspace.now())
    finally:
        tell_owner(workspace.config, database, now)
    return outcome


def watch_mailbox(workspace: Workspace, daemon: Daemon, *, idle_seconds: float = IDLE_SECONDS) -> None:
    """Ring for a poll whenever the server announces a mail, and every few minutes in case it forgot to.

    While polls fail, they alone look whether the server is back: one login attempt at a time is enough.
    """
    imap = workspace.config.imap
    settings = imap.model_copy(update={"timeout_seconds": min(imap.timeout_seconds, ANSWER_SECONDS)})
    failures = 0
    while not daemon.stopping.is_set():
        if daemon.is_failing("poll"):
            daemon.stopping.wait(1)
            continue
        try:
            with open_mailbox(settings) as mailbox:
                if not mailbox.can_idle():
                    return
                rung_at = _ring(daemon)  # for what came before the folder was open; the rest is announced
                while not daemon.stopping.is_set():
                    has_news = mailbox.wait_for_news(idle_seconds)
                    failures = 0
                    if has_news or time.monotonic() - rung_at >= RECONCILE_SECONDS:
                        rung_at = _ring(daemon)
        except AnswersError as error:
            if daemon.stopping.is_set():
                return
            failures += 1
            log.info("the mailbox is not watched", kind=type(error).__name__, failures=failures)
            daemon.ring("poll")
            daemon.stopping.wait(retry_delay(failures, random.random()).total_seconds())


def _ring(daemon: Daemon) -> float:
    daemon.ring("poll")
    return time.monotonic()


def _send_due(workspace: Workspace, database: Database) -> bool:
    # Asked every minute: only what does something is noted as a run.
    now = workspace.now()
    if not is_digest_due(workspace, database, now):
        tell_owner(workspace.config, database, now)
        return False
    outcome = ask_for_digest(workspace, database, send_due_digest)
    log.info("digest", week=outcome.week, outcome=outcome.state)
    return outcome.state == "sent"


def _reports(workspace: Workspace) -> Reports:
    def with_database(act: Callable[[Database], object]) -> None:
        database = workspace.open_database()
        try:
            act(database)
        finally:
            database.conn.close()

    spare = SpareNotices(workspace.config)

    def trouble(job: str, sentence: str, now: datetime) -> None:
        try:
            with_database(lambda database: raise_alarm(database, f"job:{job}", sentence, now))
        except DiskFull:
            spare.trouble(f"job:{job}", sentence, now)
            raise

    def over(job: str, now: datetime) -> None:
        spare.over(f"job:{job}", now)
        with_database(lambda database: end_alarm(database, f"job:{job}", now))

    def tell(now: datetime) -> None:
        with_database(lambda database: tell_owner(workspace.config, database, now))

    return Reports(trouble, over, tell)
