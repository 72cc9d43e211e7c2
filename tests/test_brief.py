"""The assignment for a writer: every section, nothing invented, the words of mails stay words."""

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import docx
import pytest
from digest_material import MONDAY
from digest_workspace import make_workspace
from site_material import dismiss, make_small_site, merge, name_topic, tell

from digest.brief import gather_brief, write_brief
from digest.brief_content import load_words
from digest.brief_docx import FONT_SIZES, fitting_size, render_docx
from digest.brief_forms import escape_markdown
from digest.brief_records import Brief, Line, Origin
from digest.frame import load_frame
from digest.quotes import one_line
from digest.redacting import load_redaction
from harvester.errors import UsageError

SECTIONS = [
    "Working titles, in buyers' words",
    "Reader and stage",
    "Structure",
    "Short answer, to confirm",
    "Must answer",
    "Worries and wishes behind it",
    "For whom it is not",
    "Words to use",
    "Words to avoid or explain",
    "Safe quotes",
    "Facts to verify",
]


def brief_of(tmp_path: Path, shown_id: str, prepare=lambda database: None) -> str:
    workspace, database = make_small_site(tmp_path / "w")
    prepare(database)
    return write_brief(workspace.config, database, shown_id, MONDAY).decode()


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def test_every_section_is_there_in_the_writers_order(tmp_path: Path):
    found = headings(brief_of(tmp_path, "T-002"))
    assert found == [*SECTIONS, "Ask Ana Reyes", "Pages to link or extend", "Done means"]


def test_what_the_mails_tell_is_in_its_section(tmp_path: Path):
    text = brief_of(tmp_path, "t-1")
    assert "# Brief: Does it work offline in the cellar?" in text
    assert "1. Does it work offline in the cellar? *(2 companies)*" in text
    assert "> The tablet keeps everything for 14 days: https://acme.example/offline" in text
    assert "- We lose two days a month on typing. *(pain, company " in text
    assert "- https://acme.example/offline *(sent in 1 mail)*" in text


def test_answers_that_contradict_each_other_are_settled_first(tmp_path: Path):
    def add(database):
        tell(database, "Does it work offline in the tunnel?", topic=1, company="pit.example", days_ago=2,
             author="Ben Okafor", answer="The tablet keeps everything for 30 days.")  # fmt: skip

    text = brief_of(tmp_path, "T-001", add)
    assert "## Settle first" in text
    assert "Answers differ: 14 days / 30 days. Ask Ben Okafor which holds." in text
    assert "1. Which holds: 14 days / 30 days?" in text


def test_without_a_contradiction_there_is_nothing_to_settle(tmp_path: Path):
    assert "## Settle first" not in brief_of(tmp_path, "T-002")


def test_blanks_say_whom_to_ask(tmp_path: Path):
    text = brief_of(tmp_path, "T-003")
    blank = "Nothing in the mails: ask a colleague of sales (nobody has answered it yet)."
    for heading in ("Short answer, to confirm", "Worries and wishes behind it", "Facts to verify"):
        assert f"## {heading}\n\n{blank}" in text
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
    assert "- https://acme.example/cost *(published; extend it)*" in text


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


def test_hostile_topics_make_no_markup(tmp_path: Path):
    text = brief_of(tmp_path, "T-005")
    assert not re.search(r"(?<!\\)<[a-z!/]", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert len(headings(text)) == 15 - ("## Settle first" not in text)


def test_a_huge_topic_still_fits_a_page(tmp_path: Path):
    workspace = make_workspace(tmp_path / "w", 1)
    database = workspace.open_database()
    for number in range(60):
        text = f"Question number {number}: " + "could you please tell us more about that " * 30 + "?"
        kind = ("question", "pain", "need")[number % 3]
        tell(database, text, topic=1, company=f"c{number}.example", days_ago=number, kind=kind,
             answer=f"It takes {number} days. " * 60, link=f"https://acme.example/{number}")  # fmt: skip
    brief = gather_brief(workspace.config, database, "T-001", MONDAY)
    assert sum(len(section.lines) for section in brief.sections) <= 50
    assert len(write_brief(workspace.config, database, "T-001", MONDAY).decode()) <= 7_500


def test_merges_in_a_chain_end_at_the_living_topic(tmp_path: Path):
    text = brief_of(tmp_path, "T-004", lambda database: merge(database, 2, 3))
    assert "# Brief: How is my own data deleted?" in text


def lines_of(brief: Brief, *origins: Origin) -> list[str]:
    return [line.text for section in brief.sections for line in section.lines if line.origin in origins]


@pytest.mark.parametrize("topic", ["T-001", "T-002", "T-003", "T-005"])
def test_every_line_traces_to_a_mail_or_a_file(tmp_path: Path, topic: str):
    workspace, database = make_small_site(tmp_path / "w")
    brief = gather_brief(workspace.config, database, topic, MONDAY)
    redaction = load_redaction(database, workspace.config)
    columns = "select text from insights union all select context from insights union all select answer from insights"
    stored = [redaction.redact(one_line(text)) for (text,) in database.conn.execute(columns) if text]
    sent = [
        value for (value,) in database.conn.execute("select url from links union select file_name from attachments")
    ]
    for text in lines_of(brief, Origin.MAIL):
        words = redaction.redact(text.strip("… \u00a0")).casefold()
        assert text in (brief.name, *sent) or any(words in one.casefold() for one in stored), text
    words = load_words("en")
    expert = next(section.heading for section in brief.sections if section.key == "expert").removeprefix("Ask ")
    fixed = [*words["structure"][brief.facets[1]], *words["interview"]["questions"], words["stage"][brief.facets[2]]]
    fixed += [line.format(expert=expert, topic=topic) for line in words["done"]["lines"]]
    assert set(lines_of(brief, Origin.FILE)) <= {*fixed, brief.name}
    assert all(re.search(r"\d", text) for text in lines_of(brief, Origin.COUNTED))


def test_the_word_document_says_what_the_markdown_says(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    for topic in ("T-001", "T-003", "T-005"):
        brief = gather_brief(workspace.config, database, topic, MONDAY)
        document = docx.Document(BytesIO(write_brief(workspace.config, database, topic, MONDAY, "docx")))
        told = " ".join(" ".join(paragraph.text for paragraph in document.paragraphs).split())
        for section in brief.sections:
            for text in (section.heading, section.ask, *(line.text for line in section.lines)):
                assert " ".join(text.split()) in told
        assert [p.text for p in document.paragraphs if p.style.name == "Heading 2"] == [
            s.heading for s in brief.sections
        ]
        assert document.paragraphs[0].text == brief.name


def test_word_opens_whatever_a_mail_holds(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    brief = gather_brief(workspace.config, database, "T-001", MONDAY)
    strange = replace(brief, name="a\x00b\ufffe\x1f <w:p/> & \U0001f600")
    assert docx.Document(BytesIO(render_docx(strange, MONDAY))).paragraphs[0].text == "ab <w:p/> & \U0001f600"


def test_much_text_is_set_smaller_until_it_fits_the_page(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    brief = gather_brief(workspace.config, database, "T-001", MONDAY)
    assert fitting_size(brief) == FONT_SIZES[0]
    sizes = []
    for times in range(1, 12):
        sections = [replace(s, lines=(*s.lines, *(s.lines[:1] * times))) for s in brief.sections]
        longer = replace(brief, sections=tuple(sections))
        sizes.append(fitting_size(longer))
        document = docx.Document(BytesIO(render_docx(longer, MONDAY)))
        assert document.styles["Normal"].font.size.pt == sizes[-1]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 3
    addresses = tuple(Line(f"{'a' * 39}{n}", Origin.MAIL, "sent in 1 mail") for n in range(60))
    section = replace(brief.sections[0], lines=addresses)
    assert fitting_size(replace(brief, sections=(section, *brief.sections[1:]))) < FONT_SIZES[0]


def test_links_of_the_word_document_lead_where_they_say(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    document = docx.Document(BytesIO(write_brief(workspace.config, database, "T-001", MONDAY, "docx")))
    links = [link for paragraph in document.paragraphs for link in paragraph.hyperlinks]
    assert [(link.text, link.address) for link in links] == [("https://acme.example/offline",) * 2]


def test_the_html_page_loads_nothing_and_runs_nothing(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    for topic in ("T-001", "T-005"):
        page = write_brief(workspace.config, database, topic, MONDAY, "html").decode()
        assert not re.search(r"<(?:script|img|link|iframe|svg)|\bon[a-z]+=[\"']?\w+\(|javascript:alert\(\d+\)\"", page)
        assert not re.search(r"url\(|@import", page)
        assert page.count("<h2") == page.count("</section>") >= 14


def test_the_brief_speaks_the_language_of_the_digest(tmp_path: Path):
    workspace, database = make_small_site(tmp_path / "w")
    config = workspace.config.model_copy(
        update={"digest": workspace.config.digest.model_copy(update={"language": "de"})}
    )
    text = write_brief(config, database, "T-001", MONDAY).decode()
    assert "# Auftrag: Does it work offline in the cellar?" in text
    assert "## Für wen es nichts ist" in text
    assert "Sorge, company" in text


def test_both_languages_have_the_same_words():
    one, other = load_words("en"), load_words("de")

    def shape(table: object) -> object:
        return {key: shape(value) for key, value in table.items()} if isinstance(table, dict) else type(table)

    assert shape(one) == shape(other)
    assert {len(one["structure"][key]) - len(other["structure"][key]) for key in one["structure"]} == {0}
    assert load_frame("de").language == "de"


def test_sentences_that_send_buyers_away_are_told(tmp_path: Path):
    def add(database):
        tell(database, "Is it any use to a shop with two people?", topic=2, company="two.example",
             answer="Honestly, it is overkill for two people. A list will do.")  # fmt: skip

    assert "- Honestly, it is overkill for two people. *(Ana Reyes, " in brief_of(tmp_path, "T-002", add)
