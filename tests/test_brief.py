"""The assignment for a writer: every section, nothing invented, the words of mails stay words."""

import re
from pathlib import Path

import pytest
from digest_material import MONDAY
from digest_workspace import make_workspace
from site_material import dismiss, make_small_site, merge, name_topic, tell

from digest.brief import escape_markdown, quote_markdown, write_brief
from harvester.errors import UsageError

SECTIONS = [
    "Working titles, in buyers' words",
    "Reader",
    "Short answer, to confirm",
    "Must answer",
    "Worries and wishes behind it",
    "Structure",
    "Facts to verify",
]


def brief_of(tmp_path: Path, shown_id: str, prepare=lambda database: None) -> str:
    workspace, database = make_small_site(tmp_path / "w")
    prepare(database)
    return write_brief(workspace.config, database, shown_id, MONDAY)


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def test_every_section_is_there_in_the_writers_order(tmp_path: Path):
    found = headings(brief_of(tmp_path, "T-002"))
    assert found == [*SECTIONS, "Ask Ana Reyes", "Pages to link or extend", "Done means"]


def test_what_the_mails_tell_is_in_its_section(tmp_path: Path):
    text = brief_of(tmp_path, "t-1")
    assert "# Brief: Does it work offline in the cellar?" in text
    assert "1. Does it work offline in the cellar? *(2 companies, 15 Nov 2026)*" in text
    assert "> The tablet keeps everything for 14 days: https://acme.example/offline" in text
    assert "- We lose two days a month on typing. *(pain, company " in text
    assert "- https://acme.example/offline (sent in 1 mail)" in text
    assert "## Settle first" in text
    assert "different figures (14, 30)" in text


def test_blanks_say_whom_to_ask(tmp_path: Path):
    text = brief_of(tmp_path, "T-003")
    assert "No mail answers it yet: ask a colleague of sales" in text
    assert "None in the mails: ask" in text
    assert "None was sent: ask" in text
    assert "## Ask a colleague of sales" in text
    assert "1. How is my own data deleted?" in text


def test_a_merged_topic_gives_the_brief_of_the_one_that_carries_on(tmp_path: Path):
    text = brief_of(tmp_path, "T-004")
    assert "# Brief: What does a seat cost per year?" in text
    assert "Is there a discount for schools?" in text


def test_a_dismissed_topic_says_how_to_get_it_back(tmp_path: Path):
    with pytest.raises(UsageError, match="answers topic restore T-003"):
        brief_of(tmp_path, "T-003", lambda database: dismiss(database, 3))


def test_an_unknown_topic_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match="T-099"):
        brief_of(tmp_path, "T-099")


def test_a_published_page_is_named_first(tmp_path: Path):
    def publish(database):
        name_topic(database, 2, "Cost?", by="ana", status="published")
        database.conn.execute("update topics set status_detail = 'https://acme.example/cost' where id = 2")

    text = brief_of(tmp_path, "T-002", publish)
    assert "- https://acme.example/cost (published)" in text


@pytest.mark.parametrize(
    "hostile",
    [
        "# heading", "- item", "+ item", "1. item", "1) item", "> quote", "=====", "-----", "***bold***", "`code`",
        "[x](javascript:alert(1))", "![x](http://evil.example/x.png)", "<script>alert(1)</script>", "<!-- -->",
        "| a | b |",
        "~~~", "&lt;b&gt;", "\\*", "a\n# b", "a\n\n- b", "a\u2028# b", "[x]: http://evil.example", "__b__",
    ],
)  # fmt: skip
def test_words_of_mails_stay_words(hostile: str):
    escaped = escape_markdown(hostile)
    assert "\n" not in escaped
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_{}\[\]<>#|~&!]", escaped)
    assert not re.match(r"[-+=#>]|\d+[.)]", escaped)
    for line in quote_markdown(hostile).split("\n> "):
        assert not re.match(r"[-+=#>]|\d+[.)]", line)


def test_hostile_topics_make_no_markup(tmp_path: Path):
    text = brief_of(tmp_path, "T-005")
    assert not re.search(r"(?<!\\)<[a-z!/]", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert len(headings(text)) == 11 - ("## Settle first" not in text)


def test_a_huge_topic_still_fits_a_page(tmp_path: Path):
    workspace = make_workspace(tmp_path / "w", 1)
    database = workspace.open_database()
    for number in range(60):
        text = f"Question number {number}: " + "could you please tell us more about that " * 30 + "?"
        kind = ("question", "pain", "need")[number % 3]
        tell(database, text, topic=1, company=f"c{number}.example", days_ago=number, kind=kind,
             answer=f"It takes {number} days. " * 60, link=f"https://acme.example/{number}")  # fmt: skip
    text = write_brief(workspace.config, database, "T-001", MONDAY)
    assert len(text.split()) <= 900
    assert len(text.splitlines()) <= 95
    assert len(text) <= 7_000


def test_merges_in_a_chain_end_at_the_living_topic(tmp_path: Path):
    text = brief_of(tmp_path, "T-004", lambda database: merge(database, 2, 3))
    assert "# Brief: How is my own data deleted?" in text
