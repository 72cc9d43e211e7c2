"""The shipped sample mailbox holds what is promised, and is exactly what its sources give."""

import re
from collections import Counter
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

sources_module = pytest.importorskip("bench.sample.sources", reason="the sources are not part of the package")

from bench.make_sample import MAILS, build_files  # noqa: E402
from bench.sample.sources import Item, Sources, read_sources  # noqa: E402
from bench.sample.truth import describe_mail, describe_topics  # noqa: E402


@pytest.fixture(scope="module")
def sources() -> Sources:
    return read_sources()


@pytest.fixture(scope="module")
def genuine(sources: Sources) -> list[Item]:
    return [item for item in sources.items if item.kind != "raw"]


def test_built_files_equal_what_the_sources_give(sources: Sources) -> None:
    files = build_files(sources)
    stale = [path.name for path, content in files.items() if not path.exists() or path.read_bytes() != content]
    assert stale == [], "run: python -m bench.make_sample"
    assert set(MAILS.glob("*.eml")) <= set(files)


def test_mailbox_is_as_big_as_promised(sources: Sources, genuine: list[Item]) -> None:
    assert len(sources.items) >= 160
    assert len({item.company for item in genuine}) >= 30
    assert len(sources.items) - len(genuine) >= 12, "automatic mail and other mail that must stay out"
    days = [item.sent_at.date() for item in genuine]
    assert (max(days) - min(days)).days >= 77, "twelve weeks"


def test_mailbox_is_varied(genuine: list[Item]) -> None:
    languages = Counter(item.lang for item in genuine)
    assert languages["en"] > len(genuine) / 2
    assert languages["de"] > len(genuine) / 7
    assert sum(languages[code] for code in ("fr", "nl", "es")) >= 6
    assert len({item.client for item in genuine}) >= 12
    assert len({item.rep.address for item in genuine if item.rep}) == 7
    assert {item.kind for item in genuine} == {"answer", "forward", "note", "new"}
    assert len({item.charset for item in genuine}) >= 4
    assert sum(bool(item.history) for item in genuine) >= 12, "threads that quote their beginning again"


def test_topics_are_skewed_and_some_are_new(sources: Sources) -> None:
    rows = describe_topics(sources)
    companies = [row["companies"] for row in rows.values()]
    assert len(companies) >= 24
    short = [slug for slug, row in rows.items() if row["companies"] < sources.topics[slug]["companies"]]
    assert short == [], "raised by fewer companies than planned"
    assert companies[0] >= 12
    assert companies[0] >= 4 * companies[-1]
    new = [slug for slug, row in rows.items() if min(row["first_occurrence"].values()) >= "2026-10-19"]
    assert set(new) >= {"insurer-proof", "suggested-plans", "leaving"}
    before, last = rows["sensor-link"]["companies_28_days_before"], rows["sensor-link"]["companies_last_28_days"]
    assert last - before >= 3, "rising"
    before, last = rows["pilot"]["companies_28_days_before"], rows["pilot"]["companies_last_28_days"]
    assert before - last >= 3, "falling"


def test_every_insight_and_every_answer_can_be_read_in_its_mail(sources: Sources) -> None:
    for item in sources.items:
        truth = describe_mail(item, sources)
        if truth["structure"] == "trap":
            continue
        visible = squeeze(visible_text((MAILS / truth["file"]).read_bytes()))
        for insight in truth["insights"]:
            assert squeeze(insight["text"]) in visible, (item.id, insight["text"])
        for line in truth["own_text"].splitlines():
            assert squeeze(line) in visible, (item.id, line)


def test_headers_say_who_wrote_to_whom(genuine: list[Item]) -> None:
    for item in genuine:
        mail = parse((MAILS / f"{item.id}.eml").read_bytes())
        assert item.rep is not None
        assert mail["From"].addresses[0].addr_spec == item.rep.address
        assert mail["From"].addresses[0].display_name == item.rep.name
        if item.to:
            assert [address.addr_spec for address in mail["To"].addresses] == [person.address for person in item.to]
        assert mail["Subject"].endswith(item.subject)
        assert mail["Date"].datetime == item.sent_at
        assert not mail.defects


def test_every_domain_is_invented(sources: Sources) -> None:
    for item in sources.items:
        soft_break = "=\r\n"
        raw = (MAILS / f"{item.id}.eml").read_bytes().decode("utf-8", "replace").replace(soft_break, "")
        for domain in re.findall(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", raw):
            assert domain.endswith(".example"), (item.id, domain)


def parse(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def visible_text(raw: bytes) -> str:
    """All text of the plain body, or of the HTML body where there is no other, without quote marks and tags."""
    body = parse(raw).get_body(("plain", "html"))
    assert body is not None
    text = body.get_content()
    if body.get_content_type() == "text/html":
        text = re.sub(r"<[^<>]*>", "", text).replace("&amp;", "&")
    return re.sub(r"(?m)^[> ]+", "", text)


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)
