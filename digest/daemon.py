"""Runs the program for ever: APScheduler asks, the database answers, one job at a time, faults one by one to the owner.

Knows no rule of its own about mails, topics or weeks: each job is the function that the command calls.
"""

import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import FrameType

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from harvester.errors import AnswersError, ServiceDown

log = structlog.get_logger()

FIRST_RETRY_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 45.0  # what is waiting is seen within a minute of the recovery
GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again. run: returns whether there is new work for the jobs in `wakes`."""

    name: str
    every: timedelta
    run: Callable[[], bool]
    wakes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reports:
    """How the daemon tells of trouble. Each is called with the job's name and gets `now`."""

    trouble: Callable[[str, str, datetime], None]
    over: Callable[[str, datetime], None]
    tell: Callable[[datetime], None]


class StopNow(BaseException):
    """The grace period after SIGTERM is over; every step is safe to leave."""


def retry_delay(failures: int, chance: float) -> timedelta:
    """How long to wait after that many failures in a row. chance: 0 to 1, spreads many clients over time."""
    longest = min(FIRST_RETRY_SECONDS * 2 ** (min(failures, 10) - 1), LONGEST_RETRY_SECONDS)
    return timedelta(seconds=longest * (0.5 + chance / 2))


@dataclass
class Daemon:
    """One job at a time, on the thread that called `work`; the scheduler only rings.

    A job that fails is tried again after a growing delay; the jobs that need it wait, so that nobody gets a digest made
    from a mailbox that cannot be read.
    """

    jobs: tuple[Job, ...]
    reports: Reports
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: Callable[[], float] = random.random
    stopping: threading.Event = field(default_factory=threading.Event)
    _rung: list[str] = field(default_factory=list)
    _bell: threading.Condition = field(default_factory=threading.Condition)
    _failures: dict[str, int] = field(default_factory=dict)
    _not_before: dict[str, datetime] = field(default_factory=dict)
    _succeeded: set[str] = field(default_factory=set)
    _ever_succeeded: set[str] = field(default_factory=set)

    def ring(self, name: str) -> None:
        """Ask for a job; asking twice before it runs is asking once."""
        with self._bell:
            if name not in self._rung:
                self._rung.append(name)
            self._bell.notify()

    def ring_again(self) -> None:
        """Ask for the jobs that failed and whose delay is over."""
        now = self.clock()
        for name in [name for name, moment in self._not_before.copy().items() if moment <= now]:
            self.ring(name)

    def is_failing(self, name: str) -> bool:
        """Whether a job's last run failed; may be asked by any thread."""
        return name in self._failures

    def stop(self) -> None:
        """Take no further job."""
        self.stopping.set()
        with self._bell:
            self._bell.notify()

    def work(self) -> None:
        """Do what is asked for until somebody calls `stop`."""
        for job in self.jobs:
            self.ring(job.name)
        while not self.stopping.is_set():
            name = self._next()
            if name is not None:
                self.run_job(name)

    def run_job(self, name: str) -> bool:
        """Run one job now unless it must wait; returns whether it ran to its end."""
        job = next(job for job in self.jobs if job.name == name)
        now = self.clock()
        if now < self._not_before.get(name, now) or any(needed not in self._succeeded for needed in job.needs):
            return False
        try:
            has_news = job.run()
        except AnswersError as error:
            # A server that let us wait has used up the delay by that.
            self._note_failure(job, str(error), type(error).__name__, now if isinstance(error, ServiceDown) else None)
            return False
        except Exception as error:
            # The daemon outlives every fault of a job; what it was goes to the log, without anybody's words.
            self._note_failure(job, f"an unexpected {type(error).__name__} in {name}; the log has more", "bug")
            log.debug("job failed", job=name, exc_info=True)
            return False
        self._note_success(job)
        if has_news:
            for other in job.wakes:
                self.ring(other)
        return True

    def _next(self) -> str | None:
        with self._bell:
            if not self._rung and not self.stopping.is_set():
                self._bell.wait(timeout=1)
            return self._rung.pop(0) if self._rung and not self.stopping.is_set() else None

    def _note_failure(self, job: Job, sentence: str, kind: str, began: datetime | None = None) -> None:
        """began: when the delay before the next try begins to count; now, unless given."""
        now = self.clock()
        self._succeeded.discard(job.name)
        failures = self._failures[job.name] = self._failures.get(job.name, 0) + 1
        delay = min(retry_delay(failures, self.chance()), job.every)
        self._not_before[job.name] = (began or now) + delay
        log.warning(
            "job failed", job=job.name, kind=kind, failures=failures, retry_seconds=round(delay.total_seconds())
        )
        self._report(lambda: self.reports.trouble(job.name, sentence, now))

    def _note_success(self, job: Job) -> None:
        # Also the first success of this process: the trouble may have begun in an earlier one.
        is_over = job.name in self._failures or job.name not in self._ever_succeeded
        self._succeeded.add(job.name)
        self._ever_succeeded.add(job.name)
        self._not_before.pop(job.name, None)
        if self._failures.pop(job.name, 0):
            log.info("job works again", job=job.name)
        if is_over:
            self._report(lambda: self.reports.over(job.name, self.clock()))

    def _report(self, report: Callable[[], None]) -> None:
        try:
            report()
            self.reports.tell(self.clock())
        except AnswersError as error:
            log.warning("trouble could not be reported", kind=type(error).__name__)


def run_daemon(
    daemon: Daemon, watch: Callable[[Daemon], None] | None = None, *, grace_seconds: float = GRACE_SECONDS
) -> None:
    """Work until SIGTERM or SIGINT.

    watch: rings for a job when something happens outside; runs in a thread of its own until `stopping` is set.
    After a signal the running job gets some seconds to end; then it is interrupted, which every step survives.
    """
    scheduler = make_scheduler(daemon)
    if watch is not None:
        threading.Thread(target=watch, args=(daemon,), name="watch", daemon=True).start()
    scheduler.start()
    try:
        with _signals_stop(daemon, grace_seconds):
            daemon.work()
    except StopNow:
        log.warning("stopped in the middle of a job; the next start goes on from there")
    finally:
        scheduler.shutdown(wait=False)


def make_scheduler(daemon: Daemon) -> BackgroundScheduler:
    """Rings for each job at its interval. It decides nothing: whether a digest is due is a query."""
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(1)},
        # The default grace of one second silently drops late runs.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        timezone=UTC,
    )
    for job in daemon.jobs:
        scheduler.add_job(
            daemon.ring, "interval", args=(job.name,), seconds=job.every.total_seconds(), id=job.name, name=job.name
        )
    scheduler.add_job(daemon.ring_again, "interval", seconds=2)
    return scheduler


@contextmanager
def _signals_stop(daemon: Daemon, grace_seconds: float) -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        log.info("stopping", signal=signal.Signals(signum).name)
        daemon.stop()
        signal.setitimer(signal.ITIMER_REAL, grace_seconds)

    def give_up(signum: int, frame: FrameType | None) -> None:
        raise StopNow

    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGALRM: give_up}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
