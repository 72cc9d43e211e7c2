"""Every digest that went out has a web copy beside the pages, made from the bytes that were sent."""

from dataclasses import replace
from datetime import timedelta

import pytest
from browsing import AXE
from digest_material import EDITION, MONDAY, NO_REDACTION, every_block

from digest.archive import load_archive, make_page, read_mail, render_archive
from digest.compose import compose_digest
from digest.dispatch import Issue, write_copies
from digest.frame import load_frame
from digest.mail import Envelope, build_digest_mail
from digest.records import News
from digest.store import change_state, freeze_digest
from harvester.database import open_database

EN = load_frame("en")
BASE = "https://answers.acme.example/"
ENVELOPE = Envelope("answers@acme.example", "Acme answers", ("marketing@acme.example",))


def compose(week="2026-W47", name="Does it work with SAP Business One?"):
    material = every_block()
    topics = (replace(material.topics[0], name=name), *material.topics[1:])
    news = News(MONDAY - timedelta(days=7), MONDAY)
    digest = compose_digest(replace(material, topics=topics), news, EDITION, NO_REDACTION, EN)
    return replace(digest, week=week, web_url=f"{BASE}digests/{week}/")


def sent_mail(digest):
    return build_digest_mail(digest, EN, ENVELOPE, MONDAY)


@pytest.fixture
def database(tmp_path):
    database = open_database(tmp_path / "answers.db")
    database.conn.executemany(
        "insert into topics (id, name, slug, category, stage, born_at) values (?, 'x', 'x', 'fit', 'decision', ?)",
        [(number, MONDAY.isoformat()) for number in range(1, 9)],
    )
    yield database
    database.conn.close()


def send(database, digest, *states):
    entry = freeze_digest(database, digest, sent_mail(digest), MONDAY)
    for state in states:
        change_state(database, entry, state, MONDAY)


def files_of(database, outbox):
    return dict(render_archive(load_archive(database, outbox), "Acme", EN, BASE))


def test_what_went_out_is_kept_and_what_did_not_is_not(database, tmp_path):
    send(database, compose("2026-W46"), "sent")
    send(database, compose("2026-W47"), "unknown")
    send(database, compose("2026-W48"), "failed")
    send(database, compose("2026-W49"))
    files = files_of(database, tmp_path / "outbox")
    assert sorted(files) == [
        "digests/2026-W46/index.html",
        "digests/2026-W47/index.html",
        "digests/digest.css",
        "digests/index.html",
    ]
    index = files["digests/index.html"].decode()
    assert index.index("2026-W47") < index.index("2026-W46")
    assert "6 companies, was 1" in index


def test_a_copy_says_what_the_mail_said_and_keeps_its_bytes_from_build_to_build(database, tmp_path):
    send(database, compose(), "sent")
    page = files_of(database, tmp_path)["digests/2026-W47/index.html"].decode()
    for words in ("Write this next", "Does it work with SAP Business One?", "We have a page, still asked", "T-006"):
        assert words in page
    assert files_of(database, tmp_path)["digests/2026-W47/index.html"].decode() == page


def test_without_any_digest_there_is_no_archive(database, tmp_path):
    assert files_of(database, tmp_path) == {}


def test_before_the_first_one_what_was_written_to_look_at_is_shown_as_such(database, tmp_path):
    outbox = tmp_path / "outbox"
    write_copies(outbox, Issue(compose(), sent_mail(compose())))
    (outbox / "notes").mkdir()
    (outbox / "notes" / "digest.eml").write_bytes(b"Subject: not ours\n\nx")
    files = files_of(database, outbox)
    assert "not sent, written to look at" in files["digests/index.html"].decode()
    assert "digests/notes/index.html" not in files
    send(database, compose("2026-W46"), "sent")
    assert "digests/2026-W47/index.html" not in files_of(database, outbox)


def test_links_to_our_own_pages_are_relative_and_no_style_is_left_in_the_page():
    mail = sent_mail(compose())
    page = make_page(read_mail(mail.raw, "2026-W47", "marketing", MONDAY), EN, BASE)
    assert 'href="../../t/T-001-topic-1/index.html"' in page
    assert BASE not in page.replace("mailto:", "").split("<body>")[1]
    assert "style=" not in page
    assert "<style" not in page
    assert "<!--" not in page


def test_hostile_words_stay_words():
    name = "<script>alert(1)</script><!-- --><style>*{}</style>"
    page = make_page(read_mail(sent_mail(compose(name=name)).raw, "2026-W47", "marketing", MONDAY), EN, BASE)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    index = dict(render_archive([read_mail(sent_mail(compose(name=name)).raw, "2026-W47", "marketing", MONDAY)],
                                name, EN, BASE))["digests/index.html"].decode()  # fmt: skip
    assert "<script" not in index


def write_site(folder):
    digest = read_mail(sent_mail(compose()).raw, "2026-W47", "marketing", MONDAY)
    for path, content in render_archive([digest], "Acme", EN, BASE):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder / "digests"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", "2026-W47/index.html"])
def test_the_archive_obeys_its_policy_is_accessible_and_fits_a_phone(browser, tmp_path, page, scheme):
    context = browser.new_context(viewport={"width": 320, "height": 700}, color_scheme=scheme)
    troubles = []
    tab = context.new_page()
    tab.on("console", lambda message: troubles.append(message.text))
    tab.goto((write_site(tmp_path) / page).as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(238, 241, 239)" if scheme == "light" else "rgb(14, 18, 17)")
    assert troubles == []
    client = context.new_cdp_session(tab)
    client.send("Page.setBypassCSP", {"enabled": True})
    tab.reload()
    tab.evaluate(AXE)
    found = tab.evaluate("() => axe.run()")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    context.close()


def without_style_blocks(html):
    """What Gmail does to a mail that it shows in another account."""
    while "<style" in html:
        head, _, rest = html.partition("<style")
        html = head + rest.partition("</style>")[2]
    return html


def mail_page(browser, html, width, scheme="light"):
    context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    tab = context.new_page()
    tab.set_content(html)
    return tab


def test_an_endless_word_does_not_widen_the_mail(browser):
    tab = mail_page(browser, sent_mail(compose(name="Donaudampfschifffahrt" * 5)).html, 320)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    tab.context.close()


@pytest.mark.parametrize("width", [320, 375, 1200])
def test_the_mail_fits_any_screen_also_without_any_style_block(browser, width):
    html = sent_mail(compose()).html
    bare = without_style_blocks(html)
    for form in (html, bare):
        tab = mail_page(browser, form, width)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.locator("h1").inner_text() == "What buyers ask"
        tab.context.close()


def test_without_any_style_block_the_mail_looks_the_same_in_light(browser):
    html = sent_mail(compose()).html
    bare = without_style_blocks(html)
    looks = []
    for form in (html, bare):
        tab = mail_page(browser, form, 1200)
        looks.append(
            tab.evaluate(
                "[...document.querySelectorAll('h1,h2,.name,.facts,.quote,.button,.small')].map(node => {"
                " const style = getComputedStyle(node);"
                " return [style.color, style.fontSize, style.backgroundColor, style.fontWeight].join(' '); })"
            )
        )
        tab.context.close()
    assert looks[0] == looks[1]
    assert len(looks[0]) > 30


def test_every_text_of_the_mail_has_enough_contrast_in_light_and_dark(browser):
    for scheme in ("light", "dark"):
        tab = mail_page(browser, sent_mail(compose()).html, 600, scheme)
        tab.evaluate(AXE)
        rules = "['color-contrast', 'heading-order', 'link-name', 'html-has-lang']"
        found = tab.evaluate(f"() => axe.run({{runOnly: {rules}}})")
        assert [(one["id"], [n["html"] for n in one["nodes"]]) for one in found["violations"]] == []
        assert len(found["passes"]) >= 3
        tab.context.close()
