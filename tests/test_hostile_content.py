"""Whatever a sender writes, wherever he writes it: on every page, mail, brief, sheet, feed and log it stays words.

New kinds of pages are covered by themselves: the tests open every document that was built.
"""

import csv
import io
import json
import re
import unicodedata
import zipfile
from dataclasses import replace
from email import message_from_bytes, policy
from email.utils import getaddresses
from pathlib import Path

import pytest
from browsing import search, watch
from digest_material import EN, ENVELOPE, MONDAY, compose, every_block
from hostile_material import (
    EVERY,
    FIRST_TOPIC,
    OWN_HOST,
    PAYLOADS,
    make_hostile_workspace,
    run,
    write_everything,
)
from lxml import etree
from playwright.sync_api import Browser

from digest.logs import log_to_stderr
from digest.mail import Envelope, build_digest_mail, build_notice
from digest.quotes import one_line
from harvester.workspace import Workspace
from nlp.naming import slugify

PLAIN_SPACES = "\t\xa0\u2009\u202f\u3000\u200b\u200c\u200d\xad"  # seen as nothing or a space; steer nothing
pytestmark = pytest.mark.slow
DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c"
AUDIT = """
(ownHost) => {
  const troubles = [], here = document.location.protocol;
  const say = (what, one) => troubles.push(`${what}: ${one.outerHTML.slice(0, 160)}`);
  const addresses = ["href", "src", "srcset", "action", "formaction", "poster", "data", "background", "ping", "cite"];
  for (const one of document.querySelectorAll("*")) {
    const tag = one.localName;
    if (["iframe", "object", "embed", "base", "form", "img", "video", "audio", "template", "frame"].includes(tag))
      say("element", one);
    if (tag === "script" && (!one.getAttribute("src") || one.textContent)) say("script", one);
    if (tag === "style" && /url\\(|@import|expression/i.test(one.textContent)) say("style", one);
    const refreshes = tag === "meta" && one.httpEquiv.toLowerCase() === "refresh";
    if (refreshes && !/^0; url=(\\.\\.\\/)+[\\w./-]+$/.test(one.content)) say("refresh", one);
    for (const attribute of one.attributes) {
      const name = attribute.name.split(":").pop();
      if (name.startsWith("on") || name === "srcdoc") say("handler", one);
      if (name === "style" && /url\\(|expression|position/i.test(attribute.value)) say("style", one);
      if (!addresses.includes(name) || (name === "data" && tag !== "object")) continue;
      let url;
      try { url = new URL(attribute.value, document.baseURI); } catch { say("broken address", one); continue; }
      const isLink = tag === "a";
      const mayBe = isLink ? url.protocol === "mailto:" : url.href === "data:,";
      if (!["http:", "https:", here].includes(url.protocol) && !mayBe) say("scheme", one);
      if (!isLink && url.protocol.startsWith("http")) say("loads", one);
      if (!isLink || !url.protocol.startsWith("http") || url.hostname === ownHost) continue;
      const rel = one.relList;
      if (!["noopener", "noreferrer", "nofollow"].every((word) => rel.contains(word))) say("rel", one);
      if (!one.parentElement.textContent.includes(url.hostname.replace(/^www\\./, ""))) say("target hidden", one);
    }
  }
  return troubles;
}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_hostile_workspace(tmp_path_factory.mktemp("hostile") / "w")


@pytest.fixture(scope="module")
def folders(workspace: Workspace) -> tuple[Path, ...]:
    return write_everything(workspace)


def documents(folders: tuple[Path, ...], kind: str) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob(f"*.{kind}"))


def test_there_are_payloads_of_every_kind() -> None:
    assert {"html", "template", "csv", "sql_fts", "slug", "log", "header"} <= PAYLOADS.keys()
    assert len(EVERY) >= 150


# ---------------------------------------------------------------- in a real browser
def test_no_document_does_what_a_payload_says(browser: Browser, folders: tuple[Path, ...]) -> None:
    # The second build differs in names, not in how they are written: of its pages of topics every seventh.
    rest = documents(folders[1:2], "html")
    few = {path for number, path in enumerate(p for p in rest if p.parent.parent.name == "t") if number % 7}
    pages = [path for path in documents(folders, "html") if path not in few]
    kinds = {re.sub(r"\d+", "0", path.parent.name.partition("-")[0] + "/" + path.name) for path in pages}
    assert len(pages) > len(EVERY)
    assert {"T/index.html", "site/coverage.html", "0/digest.html"} <= kinds, "both builds, topics, digest"
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    watched = watch(context)
    broken: list[str] = []
    for path in pages:
        if "url=../../" in path.read_text(encoding="utf-8")[:2_000]:
            continue  # leads away at once; where to is checked with the paths
        page = watched.open(path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.evaluate("document.querySelectorAll('[tabindex],input').forEach((one) => one.focus())")
        found = [*page.evaluate(AUDIT, OWN_HOST), *page.evaluate("window.violations"), *watched.troubles]
        if page.evaluate("window.hit") is not None:
            found.append("a script ran")
        broken += [f"{path.parent.name}/{path.name} {trouble}" for trouble in found]
        watched.troubles.clear()
    context.close()
    assert broken == []


def test_names_are_shown_as_they_were_written(browser: Browser, folders: tuple[Path, ...]) -> None:
    context = browser.new_context()
    page = context.new_page()
    for payload in (*PAYLOADS["template"], *PAYLOADS["html"]):
        number = FIRST_TOPIC + EVERY.index(payload)
        if number == FIRST_TOPIC + 1:
            continue  # merged away
        (found,) = (folders[0] / "t").glob(f"T-{number}*")
        page.goto((found / "index.html").as_uri())
        shown = page.locator("h1").text_content() or ""
        assert " ".join(shown.split()) == one_line(payload)
    context.close()


def test_no_search_does_what_a_payload_says(browser: Browser, folders: tuple[Path, ...]) -> None:
    context = browser.new_context()
    watched = watch(context)
    page = watched.open(folders[0] / "index.html")
    for payload in EVERY:
        search(page, payload[:300])
        assert page.evaluate(AUDIT, OWN_HOST) == [], payload
    assert page.evaluate("window.violations") == []
    assert page.evaluate("window.hit") is None
    assert watched.troubles == []
    context.close()


# ---------------------------------------------------------------- files
def test_every_built_file_lies_inside_the_site_under_a_plain_name(folders: tuple[Path, ...]) -> None:
    for folder in folders[:2]:
        built = list(folder.rglob("*"))
        assert len(built) > len(EVERY)
        for path in built:
            assert not path.is_symlink()
            assert path.resolve().is_relative_to(folder.resolve())
            for piece in path.relative_to(folder).parts:
                assert re.fullmatch(r"\.?[a-zA-Z0-9][a-zA-Z0-9.-]{0,90}", piece), piece
            if path.is_file() and path.suffix == ".html":
                for target in re.findall(r'content="0; ?url=([^"]*)"', path.read_text(encoding="utf-8")):
                    assert (path.parent / target).resolve().is_relative_to(folder.resolve())


@pytest.mark.parametrize("payload", EVERY, ids=range(len(EVERY)))
def test_a_slug_is_letters_digits_and_hyphens(payload: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slugify(payload))
    assert len(slugify(payload)) <= 80


def test_no_cell_is_a_formula(folders: tuple[Path, ...]) -> None:
    sheets = documents(folders, "csv")
    assert len(sheets) >= 4
    for path in sheets:
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
        assert len({len(row) for row in rows}) == 1, path
        for cell in (cell for row in rows for cell in row):
            assert is_harmless(cell), f"{path}: {cell!r}"


def is_harmless(cell: str) -> bool:
    """A spreadsheet skips what cannot be seen and folds wide forms before it looks at the first character."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", cell) if c.isprintable() and not c.isspace())
    seen = seen.lstrip("\u200b\ufeff")
    return not seen.startswith(("=", "+", "-", "@", "|", "%")) or bool(re.fullmatch(r"-?\d+(\.\d+)?", seen))


def test_feeds_and_data_are_well_formed_and_lead_nowhere_else(folders: tuple[Path, ...]) -> None:
    feeds = documents(folders, "xml")
    assert len(feeds) >= 2
    for path in feeds:
        root = etree.fromstring(path.read_bytes(), etree.XMLParser(resolve_entities=False, no_network=True))
        for link in root.iter("{http://www.w3.org/2005/Atom}link"):
            assert link.get("href").startswith(f"https://{OWN_HOST}/")
        assert {one.tag.partition("}")[0] for one in root.iter()} == {"{http://www.w3.org/2005/Atom"}
    lists = documents(folders[:2], "json")
    assert len(lists) >= 2
    for path in lists:
        json.loads(path.read_text(encoding="utf-8"))


def test_a_word_document_holds_words_and_honest_links_only(folders: tuple[Path, ...]) -> None:
    found = documents(folders, "docx")
    assert len(found) >= 8
    for path in found:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith((".xml", ".rels")):
                    root = etree.fromstring(archive.read(name), etree.XMLParser(resolve_entities=False))
                    tags = {etree.QName(one).localname for one in root.iter() if isinstance(one.tag, str)}
                    assert not tags & {"instrText", "fldSimple", "object", "attachedTemplate", "altChunk"}
                    for one in root.iter("{*}Relationship"):
                        if one.get("TargetMode") == "External":
                            assert one.get("Target").startswith(("https://", "http://", "mailto:"))


# ---------------------------------------------------------------- our own mails
@pytest.mark.parametrize("payload", EVERY, ids=range(len(EVERY)))
def test_our_mails_read_back_with_exactly_the_intended_headers(payload: str) -> None:
    digest = compose(every_block())
    top = tuple(replace(one, name=payload) for one in digest.top)
    hostile = replace(ENVELOPE, sender_name=f"Acme {payload}")
    mails = (
        build_digest_mail(replace(digest, subject=payload, top=top), EN, hostile, MONDAY),
        build_notice(
            payload, (payload, f"It was: {payload}"), replace(hostile, to=("owner@acme.example",)), payload, MONDAY
        ),
    )
    plain = (
        build_digest_mail(digest, EN, ENVELOPE, MONDAY),
        build_notice("x", ("x",), to_owner(ENVELOPE), "x", MONDAY),
    )
    for mail, intended in zip(mails, plain, strict=True):
        for rules in (policy.compat32, policy.default):
            found, meant = (message_from_bytes(raw, policy=rules) for raw in (mail.raw, intended.raw))
            assert [name for name, _ in found.items()] == [name for name, _ in meant.items()]
            assert len(list(found.walk())) == len(list(meant.walk()))
            for name in ("From", "To"):
                addresses = [address for _, address in getaddresses([str(found[name])])]
                assert addresses == [address for _, address in getaddresses([str(meant[name])])]
        head = mail.raw.partition(b"\r\n\r\n")[0]
        assert b"\n" not in head.replace(b"\r\n", b"")
        assert b"\r" not in head.replace(b"\r\n", b"")
        assert head.isascii()


def to_owner(envelope: Envelope) -> Envelope:
    return replace(envelope, to=("owner@acme.example",))


# ---------------------------------------------------------------- terminal and log
def is_one_plain_line(text: str) -> bool:
    return text.isprintable() and not any(c in DIRECTIONS for c in text) and "\u2028" not in text


@pytest.mark.parametrize("payload", EVERY, ids=range(len(EVERY)))
def test_an_event_is_one_line_of_the_log_with_its_characters_escaped(
    payload: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import structlog

    log_to_stderr()
    structlog.get_logger().info("poll", sentence=payload, seen=(payload,), error=ValueError(payload))
    lines = capsys.readouterr().err.removesuffix("\n").split("\n")
    assert len(lines) == 1
    assert is_one_plain_line(lines[0])
    assert lines[0].count("event=poll") - payload.count("event=poll") * 3 <= 1


def test_what_a_log_hides_can_still_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    import structlog

    log_to_stderr()
    structlog.get_logger().info("poll", sentence="a\x1b[2J\u202eb\nc")
    assert r"a\x1b[2J\u202eb\nc" in capsys.readouterr().err.replace("\\\\", "\\")


@pytest.mark.parametrize(
    "arguments",
    [
        ("topics", "--days", "3000"),
        ("status",),
        ("quarantine", "list"),
        ("search", "plant"),
        ("pages",),
        ("explain", "{mails}"),
        ("topics", "--json"),
        ("export", "--json"),
        ("search", "plant", "--json"),
        ("brief", f"T-{FIRST_TOPIC}"),
    ],
    ids=" ".join,
)
def test_nothing_printed_steers_a_terminal(workspace: Workspace, arguments: tuple[str, ...]) -> None:
    printed = run(workspace, *(one.format(mails=workspace.folder / "mails") for one in arguments))
    assert len(printed) > 100
    for line in printed.split("\n"):
        controls = {c for c in line if not c.isprintable() and c not in PLAIN_SPACES}
        assert controls == set(), line[:200]


@pytest.mark.parametrize("payload", EVERY, ids=range(len(EVERY)))
def test_any_words_can_be_searched_for(workspace: Workspace, payload: str) -> None:
    if payload.startswith("-"):
        run(workspace, "search", "--", payload)
    else:
        run(workspace, "search", payload, "--json")
