"""Checks everything the program relies on, one by one, and says what to do about each failure. Sends nothing."""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from digest.quotes import one_line
from digest.smtp import check_login
from harvester.config import Config, holds_secret
from harvester.errors import AnswersError
from harvester.imap import open_mailbox
from harvester.private_files import describe_exposure
from harvester.trust_survey import TrustSurvey, survey_trust
from harvester.workspace import Workspace
from nlp.embedding import load_encoders
from nlp.own_atlas import FILE_NAME, read_own_atlas
from nlp.reasons import FILE_NAME as REASONS_FILE
from nlp.reasons import read_reasons

LOW_DISK_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. outcome: ok | warning | failed | skipped."""

    name: str
    outcome: str
    detail: str


def examine(workspace: Workspace) -> tuple[Check, ...]:
    """All checks in the order in which a person would repair them."""
    config = workspace.config
    return (
        check_settings(workspace.config_path),
        _guard("database", lambda: check_database(workspace)),
        check_disk(workspace.folder),
        _guard("clock", lambda: check_clock(workspace)),
        _guard("models", check_models),
        _guard("atlas", lambda: check_atlas(workspace.folder)),
        _guard("reasons", lambda: check_reasons(workspace.folder)),
        _guard("trust", lambda: check_trust(workspace)),
        _guard("imap", lambda: check_imap(config)),
        _guard("smtp", lambda: check_smtp(config)),
    )


def check_settings(path: Path) -> Check:
    """It reads well, or we would not be here; a password in it is for its owner alone."""
    exposure = describe_exposure(path)
    if exposure and holds_secret(path):
        return Check("config", "warning", f"{path} holds a password and {exposure}, or move it to password_file")
    return Check("config", "ok", f"{path} reads well")


def check_database(workspace: Workspace) -> Check:
    """Opens, is whole, is private."""
    database = workspace.open_database()
    try:
        answer = database.conn.execute("pragma quick_check").fetchone()[0]
    finally:
        database.conn.close()
    if answer != "ok":
        return Check("database", "failed", f"{workspace.database_path} is damaged ({answer}); restore a backup")
    mode = workspace.database_path.stat().st_mode & 0o777
    if mode & 0o077:
        return Check("database", "warning", f"{workspace.database_path} can be read by others; chmod 600 it")
    return Check("database", "ok", f"{workspace.database_path} is whole and private (SQLite {sqlite3.sqlite_version})")


def check_disk(folder: Path) -> Check:
    """Room for some more mail."""
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK_BYTES:
        return Check("disk", "warning", f"only {free / 1e9:.1f} GB free on the disk of {folder}; make room")
    return Check("disk", "ok", f"{free / 1e9:.0f} GB free")


def check_clock(workspace: Workspace) -> Check:
    """A clock behind the mails would send digests in the wrong week."""
    database = workspace.open_database()
    try:
        newest = database.conn.execute("select max(received_at) from messages").fetchone()[0]
    finally:
        database.conn.close()
    now = workspace.now()
    if newest and (datetime.fromisoformat(newest) - now).total_seconds() > 3600:
        return Check(
            "clock", "warning", f"the newest mail arrived at {newest}, the clock says {now:%Y-%m-%d %H:%M} UTC; set it"
        )
    local = now.astimezone(workspace.config.company.zone)
    return Check("clock", "ok", f"{local:%Y-%m-%d %H:%M} in {workspace.config.company.timezone}")


def check_models() -> Check:
    """The sentence encoders load and are those we know."""
    encoders = load_encoders()
    if encoders.taught is None:
        return Check("models", "warning", f"using {encoders.name}: topics will be coarser; reinstall the package")
    return Check("models", "ok", f"{encoders.name}, hashes verified")


def check_atlas(folder: Path) -> Check:
    """The workspace's own archetypes, if it has any, can be used."""
    own = read_own_atlas(folder)
    if not own:
        return Check("atlas", "ok", f"the shipped one; {FILE_NAME} may add what only your buyers ask")
    phrasings = sum(len(one.phrasings) for one in own)
    return Check("atlas", "ok", f"{FILE_NAME} adds {len(own)} archetypes in {phrasings} phrasings")


def check_reasons(folder: Path) -> Check:
    """The reasons to buy, if the workspace has any, can be used."""
    reasons = read_reasons(folder)
    if not reasons:
        return Check("reasons", "skipped", f"no {REASONS_FILE}; with one, topics tell which reason to buy they support")
    count = "1 reason" if len(reasons) == 1 else f"{len(reasons)} reasons"
    return Check("reasons", "ok", f"{REASONS_FILE} names {count} to buy")


def check_trust(workspace: Workspace) -> Check:
    """What makes a sender believed, and whether the newest mails bear it out."""
    authserv_id = workspace.config.trust.authserv_id
    database = workspace.open_database()
    try:
        survey = survey_trust(database, authserv_id)
    finally:
        database.conn.close()
    return judge_trust(authserv_id, survey)


def judge_trust(authserv_id: str, survey: TrustSurvey) -> Check:
    """Without an authserv_id anybody who can forge a colleague's address can contribute; with a wrong one nobody."""
    seen = ", ".join(f"{one_line(name)[:80]} ({count})" for name, count in list(survey.servers.items())[:3])
    if not authserv_id:
        hint = f"; your newest {survey.mails} mails carry results of {seen}: is one your own server?" if seen else ""
        return Check(
            "trust",
            "warning",
            "[trust] authserv_id is empty: whoever writes a colleague's address into From is believed, and what he"
            " quotes counts as asked. Set it to the name that your mail server writes first into"
            f" Authentication-Results; then only mail that it calls dmarc=pass counts{hint}",
        )
    if survey.mails and not survey.vouched:
        found = f"they carry results of {seen}" if seen else "they carry no Authentication-Results"
        return Check(
            "trust",
            "warning",
            f"none of the newest {survey.mails} mails has a dmarc result of {authserv_id} where no sender could have"
            f" written it, so all are quarantined; {found}. Check [trust] authserv_id and the mail server",
        )
    counted = f" ({survey.vouched} of the newest {survey.mails} have a result)" if survey.mails else ""
    return Check("trust", "ok", f"only mail that {authserv_id} calls dmarc=pass counts{counted}")


def check_imap(config: Config) -> Check:
    """Login and folder."""
    if not config.imap.host:
        return Check("imap", "skipped", "no [imap] host; `answers load` works without")
    with open_mailbox(config.imap) as mailbox:
        count = len(mailbox.list_uids())
        idle = "with IDLE" if mailbox.can_idle() else "without IDLE"
    return Check(
        "imap", "ok", f"{config.imap.username} at {config.imap.host}: {count} mails in {config.imap.folder}, {idle}"
    )


def check_smtp(config: Config) -> Check:
    """Login only; nothing is sent."""
    if not config.smtp.host:
        return Check("smtp", "skipped", "no [smtp] host; `answers digest --dry-run` works without")
    check_login(config.smtp)
    if not config.digest.to:
        return Check("smtp", "warning", "the login works, but [digest] to names nobody")
    return Check("smtp", "ok", f"{config.smtp.host} takes our login; digests go to {len(config.digest.to)} addresses")


def _guard(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except AnswersError as error:
        return Check(name, "failed", str(error))
