"""The verbs about existing content: import-pages, pages. Thin: they open what has side effects and pass it down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harvester.cli_support import console, counted, print_json, say, workspace_of

if TYPE_CHECKING:
    from nlp.page_sources import Listed
    from nlp.page_store import Imported

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command("import-pages")(import_pages)
    app.command()(pages)


def import_pages(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(help="sitemap.xml, RSS or Atom feed, CSV, folder of Markdown or HTML, or an https address.")
    ] = "pages.csv",
    fetch: Annotated[
        bool | None, typer.Option("--fetch/--no-fetch", help="Read the pages of a sitemap; else only of an address.")
    ] = None,
    base_url: Annotated[str, typer.Option("--base-url", help="Where the files of a folder are published.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take in the content that exists, so that topics know their pages; importing again updates."""
    from urllib.parse import urlsplit

    from harvester.errors import UsageError
    from harvester.web import Fetcher, is_address
    from nlp.page_sources import Wish, list_pages
    from nlp.page_steps import match_pages
    from nlp.page_store import changes_known, save_import
    from nlp.pages import is_web_address

    if base_url and not is_web_address(base_url):
        raise UsageError(f"--base-url {base_url!r} is not an address such as https://www.acme.example/blog/")
    workspace = workspace_of(ctx)
    database = workspace.open_database()
    wanted = str(workspace.folder / source) if source == "pages.csv" else source
    own = frozenset({(urlsplit(source).hostname or "").lower()}) if is_address(source) else frozenset[str]()
    with counted("pages read", None) as progress:
        found = list_pages(
            Wish(wanted, fetch, base_url), Fetcher(own), changes_known(database, _name(wanted)), progress
        )
    done = save_import(database, found.source, found.pages, workspace.now(), is_complete=found.is_complete)
    covered = match_pages(database)
    if as_json:
        counts = {name: getattr(done, name) for name in ("new", "changed", "same", "gone", "back")}
        print_json({"source": found.source, "pages": len(found.pages), **counts, "unread": found.unread,
                    "left": found.left, "topics_with_a_page": covered})  # fmt: skip
        return
    for sentence in _sentences(found, done, covered):
        say(sentence)


def pages(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the pages that we know and the topics they answer."""
    from rich.table import Table
    from rich.text import Text

    from nlp.page_store import load_coverage, load_pages
    from nlp.records import topic_id

    database = workspace_of(ctx).open_database()
    matches = [match for one in load_coverage(database).values() for match in one.matches if match.coverage != "none"]
    known = load_pages(database)
    if as_json:
        print_json(
            [
                {
                    "url": page.url,
                    "title": page.title,
                    "published": page.published_on.isoformat() if page.published_on else None,
                    "gone_at": page.gone_at.isoformat() if page.gone_at else None,
                    "topics": [
                        {
                            "id": topic_id(match.topic),
                            "coverage": match.coverage,
                            "score": match.score,
                            "reason": match.reason,
                            "decided_by": match.decided_by,
                            "links_sent": match.links_sent,
                        }
                        for match in matches
                        if match.page.id == page.id
                    ],
                }
                for page in known
            ]
        )
        return
    if not known:
        say("No pages are known; `answers import-pages SOURCE` takes them in.")
        return
    screen = console()
    if not screen.is_terminal:
        screen.width = 160
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("page", "answers", "partly", ""):
        table.add_column(heading, overflow="fold")
    for page in known:
        mine = [match for match in matches if match.page.id == page.id]
        answered, partly = (
            " ".join(topic_id(match.topic) for match in mine if match.coverage == word)
            for word in ("answered", "partly")
        )
        gone = f"gone since {page.gone_at:%Y-%m-%d}" if page.gone_at else ""
        table.add_row(Text(f"{page.label}\n{page.url}"), answered, partly, gone)
    screen.print(table)


def _name(source: str) -> str:
    """What the source is called in the database: an address as it is, a path in full."""
    from pathlib import Path

    from harvester.web import is_address

    return source if is_address(source) else str(Path(source).expanduser().resolve())


def _sentences(found: Listed, done: Imported, covered: int) -> list[str]:
    gone = f", {done.gone} gone (kept and flagged)" if done.gone else ""
    back = f", {done.back} back" if done.back else ""
    count = f"{len(found.pages)} {'page' if len(found.pages) == 1 else 'pages'}"
    topics = f"{covered} {'topic has' if covered == 1 else 'topics have'}"
    sentences = [
        f"{count}: {done.new} new, {done.changed} changed, {done.same} as before{back}{gone}."
        f" {topics} a page that answers or could be extended."
    ]
    if found.unread:
        sentences.append(f"{found.unread} could not be read and are known by their address alone.")
    if found.left:
        sentences.append(f"{found.left} are not read yet; the same command goes on with them.")
    return sentences
