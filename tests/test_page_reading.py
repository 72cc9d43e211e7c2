"""Sitemaps, feeds, lists, HTML and Markdown are read as what they are; a broken or hostile one gives one sentence."""

import gzip
import time
from datetime import date

import pytest

from harvester.errors import BrokenSource
from nlp.page_reading import read_document, read_html, read_markdown, strip_site_name, title_from_address
from nlp.pages import ListedPage, page_key

SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <url><loc>https://www.acme.example/pricing</loc><lastmod>2026-03-01</lastmod></url>
  <url><loc>javascript:alert(1)</loc></url>
  <url><loc> https://www.acme.example/blog/seat-price-explained.html </loc></url>
</urlset>"""
RSS = b"""<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Blog</title>
<item><title>Price &amp; seats</title><link>https://acme.example/a</link>
<pubDate>Tue, 03 Mar 2026 08:00:00 GMT</pubDate>
<description>&lt;p&gt;What a &lt;b&gt;seat&lt;/b&gt; costs&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>Thirty euro a month.</p><script>alert(1)</script>]]></content:encoded></item>
</channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><entry><title>Offline</title>
<link rel="self" href="https://acme.example/self"/><link href="https://acme.example/offline"/>
<published>2026-02-01T10:00:00Z</published><summary>In the cellar</summary></entry></feed>"""


def test_a_sitemap_gives_web_addresses_and_their_marks_of_change():
    listing = read_document("sitemap.xml", SITEMAP)
    assert [(page.url, page.changed_at) for page in listing.pages] == [
        ("https://www.acme.example/pricing", "2026-03-01"),
        ("https://www.acme.example/blog/seat-price-explained.html", ""),
    ]
    assert (listing.is_complete, listing.has_text) == (True, False)
    assert read_document("sitemap.xml.gz", gzip.compress(SITEMAP)) == listing


def test_a_sitemap_index_names_its_sitemaps():
    index = b"<sitemapindex><sitemap><loc>https://acme.example/s1.xml</loc></sitemap></sitemapindex>"
    assert read_document("sitemap.xml", index).sitemaps == ("https://acme.example/s1.xml",)


def test_feeds_give_title_text_and_day_and_are_never_the_whole_list():
    (page,) = read_document("feed", RSS).pages
    assert (page.url, page.title, page.summary) == ("https://acme.example/a", "Price & seats", "What a seat costs")
    assert page.text.startswith("Thirty euro a month.")
    assert page.published_on == date(2026, 3, 3)
    assert not read_document("feed", RSS).is_complete
    (entry,) = read_document("feed", ATOM).pages
    assert (entry.url, entry.title, entry.published_on) == (
        "https://acme.example/offline",
        "Offline",
        date(2026, 2, 1),
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_is_read_with_any_of_the_usual_delimiters(delimiter):
    rows = [["\ufeffURL", "Title", "published", "summary"], ["https://acme.example/p", "Price", "2026-04-03", "A seat"]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (page,) = read_document("pages.csv", text.encode()).pages
    assert page == ListedPage("https://acme.example/p", "Price", "A seat", published_on=date(2026, 4, 3))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<urlset><url>", "not well-formed XML"),
        (b"<html><body>404</body></html>", "is an HTML page"),
        (b"<note/>", "neither a sitemap nor a feed"),
        (b"name,age\nx,1", "must name the columns url"),
        (b"", "must name the columns url"),
        (b"url,title\nftp://acme.example/x,X", "line 2: 'ftp://acme.example/x' is not a web address"),
        (b"url,published\nhttps://acme.example/x,3/4/26", "line 2: published = '3/4/26'"),
        (b"url\nhttps://acme.example/\xff", "not UTF-8"),
        (b"\x1f\x8b\x08broken", "damaged gz"),
        (gzip.compress(SITEMAP)[:-12], "ends too early"),
        (b'url\n"https://acme.example/x', "not a readable CSV"),
    ],
)
def test_a_broken_source_gives_one_sentence(data, sentence):
    with pytest.raises(BrokenSource) as caught:
        read_document("source", data)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_anything_is_expanded(encoding):
    bomb = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE urlset [<!ENTITY a "aaaaaaaaaa">'
        '<!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><urlset><url><loc>&c;</loc></url></urlset>'
    )
    with pytest.raises(BrokenSource, match="declares XML entities"):
        read_document("sitemap.xml", bomb.encode(encoding))


def test_a_gz_bomb_is_refused_unexpanded():
    with pytest.raises(BrokenSource, match="unpacks to more than 50 MB"):
        read_document("sitemap.xml.gz", gzip.compress(b" " * 60_000_000))


def test_an_html_page_gives_its_text_without_navigation_and_scripts():
    page = read_html(
        b"""<html lang="de-DE"><head><title>Preise | Acme</title><meta name="description" content="Was es kostet">
        <meta property="article:published_time" content="2026-01-02T08:00:00+01:00"></head>
        <body><nav>Start Preise Kontakt</nav><main><h1>Preise</h1><p>29 Euro je Platz</p><script>x()</script></main>
        <footer>Impressum</footer></body></html>""",
        "https://acme.example/preise",
    )
    assert page == ListedPage(
        "https://acme.example/preise",
        "Preise | Acme",
        "Was es kostet",
        "Preise 29 Euro je Platz",
        date(2026, 1, 2),
        "",
        "de",
    )


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: 'Offline'\ndate: 2026-02-03\ndescription: In the cellar\nurl: https://acme.example/off\n---\n",
        '+++\ntitle = "Offline"\ndate = 2026-02-03\ndescription = "In the cellar"\n'
        'url = "https://acme.example/off"\n+++\n',
    ],
)
def test_markdown_gives_its_front_matter_and_its_text(front):
    page = read_markdown(front + "# Heading\n\nIt *holds* [rounds](https://x.example) for **14** days.\n", "")
    assert (page.url, page.title, page.published_on) == ("https://acme.example/off", "Offline", date(2026, 2, 3))
    assert page.summary == "In the cellar"
    assert page.text.replace(" .", ".") == "Heading It holds rounds for 14 days."


def test_markdown_without_front_matter_takes_its_heading():
    assert read_markdown("# What a seat costs\n\nThirty.", "a.md").title == "What a seat costs"


def test_a_shared_ending_of_titles_is_dropped_and_a_single_one_kept():
    pages = [ListedPage(f"https://acme.example/{n}", f"Page {n} | Acme") for n in range(3)]
    titles = [page.title for page in strip_site_name([*pages, ListedPage("https://acme.example/x", "A - B")])]
    assert titles == ["Page 0", "Page 1", "Page 2", "A - B"]


def test_a_bare_address_names_itself():
    assert title_from_address("https://acme.example/blog/price-per-seat.html?x=1") == "Price per seat"
    assert title_from_address("https://acme.example/") == ""


@pytest.mark.parametrize(
    "same",
    [
        "http://acme.example/pricing",
        "https://www.acme.example/pricing/",
        "https://acme.example:443/Pricing#top",
        "https://acme.example/pricing/index.html?utm_source=mail&fbclid=1",
    ],
)
def test_one_page_has_one_key_however_it_is_written(same):
    assert page_key(same) == page_key("https://acme.example/pricing")


def test_different_pages_have_different_keys():
    urls = ["https://acme.example/p", "https://acme.example/q", "https://b.example/p", "https://acme.example/p?id=2"]
    assert len({page_key(url) for url in urls}) == 4


@pytest.mark.parametrize(
    "text", ["<" * 200_000, "<p" * 100_000, "&" * 200_000, "# " * 100_000, "[" * 20_000, "> " * 50_000]
)
def test_hostile_text_is_read_quickly_and_bounded(text):
    started = time.process_time()
    page = read_markdown(f"---\ntitle: {text[:3000]}\n---\n{text}", "https://acme.example/x")
    assert time.process_time() - started < 5
    assert len(page.title) <= 300
    assert len(page.text) <= 20_000
