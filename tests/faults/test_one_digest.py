"""Whatever the mail server does and wherever the program is killed: each recipient gets the weekly mail once."""

import itertools
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import digest_workspace
import mailroom
import pytest
from digest_workspace import ask
from promises import Promise
from smtp_server import SmtpServer, run_smtp

from digest.dispatch import MARKETING, resend_digest, send_due_digest
from digest.notices import tell_owner
from digest.store import Entry, load_entries
from harvester.errors import AnswersError
from harvester.workspace import Workspace

NAME = "one digest per week and recipient"
TO = (*(f"m{number}@acme.example" for number in range(4)), "bad@acme.example")
FAULTS = (
    "ok",
    "defer_bad",
    "refuse_bad",
    "drop_at_data",
    "drop_untaken",
    "drop_after_data",
    "stall_after_data",
    "busy",
)
TIMEOUT = 1


@dataclass(frozen=True)
class Ending:
    """What came of a trial. copies: how many each recipient got."""

    entry: Entry
    copies: dict[str, int]
    owner_knows: bool


def prepare(folder: Path, smtp: SmtpServer) -> Workspace:
    """A workspace whose digest is due since Monday morning of this week."""
    workspace = digest_workspace.make_workspace(
        folder, smtp.port, to=TO, timeout=TIMEOUT, digest='day = "monday"\ntime = "00:00"'
    )
    workspace.config_path.chmod(0o600)
    database = workspace.open_database()
    ask(database, "Does it work with our SAP system?", topic=1, at=datetime.now(UTC) - timedelta(days=1))
    database.conn.close()
    return workspace


def run_due(workspace: Workspace, log: Path, point: int) -> subprocess.CompletedProcess[str]:
    return mailroom.answers(workspace.folder, "digest", "--due", crash=(log, point))


def bring_receipts(workspace: Workspace, smtp: SmtpServer) -> None:
    """What the server took for our own mailbox arrives there and is polled, as far as the database can tell."""
    database = workspace.open_database()
    known = {row[0] for row in database.conn.execute("select message_id from readings")}
    for entry in load_entries(database, MARKETING):
        took_ours = any("answers@acme.example" in to for to, raw in smtp.took if raw == entry.mail)
        if took_ours and entry.message_id not in known:
            digest_workspace.receive(database, entry.message_id, workspace.now())
    database.conn.close()


def recover(workspace: Workspace, smtp: SmtpServer, *, has_receipts: bool) -> Ending:
    """The minutes after: the mail server works again, a timer asks every minute."""
    smtp.faults[:] = ["ok"]
    for _ in range(4):
        if has_receipts:
            bring_receipts(workspace, smtp)
        database = workspace.open_database()
        with suppress(AnswersError):
            send_due_digest(workspace, database, workspace.now())
        tell_owner(workspace.config, database, workspace.now() + timedelta(hours=2))
        entries = load_entries(database, MARKETING)
        database.conn.close()
    assert len(entries) == 1
    digests = [to for to, raw in smtp.took if raw == entries[0].mail]
    counted = Counter(itertools.chain.from_iterable(digests))
    owner_knows = any(b"Subject: Answers needs you: digest" in raw for _, raw in smtp.took)
    return Ending(entries[0], {address: counted[address] for address in TO}, owner_knows)


def judge(ending: Ending, fault: str) -> str:
    """ "once" or "unknown"; anything else breaks the promise."""
    copies = dict(ending.copies)
    assert max(copies.values()) <= 1, f"{fault}: somebody got two"
    if fault == "refuse_bad" and copies["bad@acme.example"] == 0 and ending.owner_knows:
        del copies["bad@acme.example"]  # refused for good, and the owner knows
    if set(copies.values()) == {1}:
        return "once"
    assert ending.entry.state in ("unknown", "failed"), f"{fault}: {ending.entry.state}, {copies}"
    assert ending.owner_knows, f"{fault}: somebody got none, and the owner was not told"
    return "unknown"


def count_steps(folder: Path, fault: str) -> int:
    with run_smtp(fault) as smtp:
        run_due(prepare(folder, smtp), folder / "all.log", 0)
    return len((folder / "all.log").read_text().splitlines())


def plan_trials(folder: Path, full: bool) -> Iterator[tuple[str, int]]:
    """(fault, side effect before which the program is killed; 0 for not at all)."""
    # Up to the handing over all go the same way; the last 50 begin with freezing the mail.
    steps = count_steps(folder / "steps", "ok")
    for number, fault in enumerate(FAULTS):
        if full or number % 3 == 1:
            yield fault, 0
        from_end = range(number % 6 - 8, 50, 2 if fault == "ok" else 6) if full else (12 + number,)
        yield from ((fault, steps - back) for back in from_end)


@pytest.mark.parametrize("has_receipts", [True, False], ids=["receipts", "no-receipts"])
def test_each_recipient_gets_one_whatever_breaks_and_wherever_it_is_killed(
    tmp_path: Path, full: bool, promise: Promise, has_receipts: bool
):
    log = tmp_path / "points.log"
    verdicts: Counter[str] = Counter()
    kills = resent = 0
    plan = itertools.islice(plan_trials(tmp_path, full), 0, None, 1 if full or has_receipts else 2)
    for number, (fault, point) in enumerate(plan):
        with run_smtp(fault) as smtp:
            workspace = prepare(tmp_path / f"trial-{number}", smtp)
            result = run_due(workspace, log, point)
            kills += result.returncode == -signal.SIGKILL
            ending = recover(workspace, smtp, has_receipts=has_receipts)
            verdict = judge(ending, fault)
            verdicts[verdict] += 1
            if verdict == "unknown":
                # With receipts, only what surely did not arrive stays unknown.
                assert not has_receipts or not any(ending.copies.values()), fault
                resent += resend(workspace, smtp, ending)
    assert verdicts["once"] >= 0.5 * verdicts.total()
    assert resent == verdicts["unknown"]
    trials = f"{verdicts.total()} trials x {len(TO)} recipients, {kills} of them killed"
    promise(
        NAME,
        "SMTP cut at DATA, cut or stalled after it, 451, 550 and 450 for one, with SIGKILL at every step; "
        + ("our copy arrives in the mailbox" if has_receipts else "no copy arrives in the mailbox"),
        trials,
        f"exactly 1 each in {verdicts['once']}; in {verdicts['unknown']} it could not be known: none twice, owner told,"
        " `--resend` sent the same bytes",
    )


def resend(workspace: Workspace, smtp: SmtpServer, ending: Ending) -> bool:
    """A person decides: whether everybody got the very same mail once more."""
    before = len(smtp.took)
    database = workspace.open_database()
    resend_digest(workspace, database, workspace.now(), ending.entry.week)
    database.conn.close()
    sent = [to for to, raw in smtp.took[before:] if raw == ending.entry.mail]
    return len(sent) == 1 and set(TO) <= set(sent[0])
