"""The status for a person at a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from digest.status import State


def state_as_text(state: State) -> RenderableType:
    """Counts first, then what was set aside and why, then what needs a look."""
    facts = Table.grid(padding=(0, 2))
    aside = sum(count for _, _, count in state.set_aside)
    rows = [
        ("mails", f"{state.mails} stored, {state.by_status.get('accepted', 0)} accepted, {aside} set aside"),
        *([("offers", _offers(state.offers))] if state.offers else []),
        ("last mail stored", state.last_mail_at or "never"),
        *(
            (f"last {run.verb}", f"{run.at}  {run.outcome}" + (f" ({run.detail})" if run.detail else ""))
            for run in state.last_runs
        ),
        ("insights", f"{state.insights} from {state.companies} companies, {state.unplaced_share:.0%} without a topic"),
        ("topics", str(state.topics)),
        *([("how well they fit", state.fit)] if state.fit else []),
        *([("same topic?", state.adapted)] if state.adapted else []),
        ("last digest", _digest(state)),
        ("encoder", state.embedder or "none used yet"),
    ]
    for name, value in rows:
        facts.add_row(Text(name, "bold"), Text(value))
    blocks: list[RenderableType] = [facts]
    if state.set_aside:
        table = Table(title="Set aside", title_justify="left", box=None, padding=(0, 2, 0, 0))
        for column in ("status", "mails", "reason"):
            table.add_column(column)
        for status, reason, count in state.set_aside[:12]:
            table.add_row(status, str(count), Text(reason))
        blocks += [Text(""), table]
    blocks += [Text(f"! {warning}", "yellow") for warning in state.warnings]
    return Group(*blocks)


def _offers(mails: int) -> str:
    return f"{mails} {'mail' if mails == 1 else 'mails'} in which somebody sells to a colleague"


def _digest(state: State) -> str:
    if state.last_digest is None:
        return "none yet"
    return f"{state.last_digest['week']} ({state.last_digest['audience']}): {state.last_digest['state']}"
