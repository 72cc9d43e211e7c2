"""Only what the user named is fetched, only in safe ways, within bounds, and as robots.txt asks."""

import socket

import pytest
import servers
from web_server import run_web

import harvester.web
from harvester.errors import NotFetched, ServiceDown, UsageError
from harvester.web import Fetcher


@pytest.fixture
def web():
    with run_web() as server:
        yield server


def fetcher(*allowed, **settings):
    return Fetcher(frozenset(allowed or {"127.0.0.1"}), sleep=lambda seconds: None, **settings)


def test_an_address_gives_its_bytes_and_the_name_of_who_asks(web):
    web.pages["/a?x=1"] = b"<html>hello"
    got = fetcher().fetch(f"{web.base}/a?x=1")
    assert (got.body, got.content_type) == (b"<html>hello", "text/html; charset=utf-8")
    assert web.asked == [("/a?x=1", "answers-harvester")]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("file:///etc/passwd", "give the path of a file"),
        ("http://acme.example/sitemap.xml", "only https is fetched"),
        ("ftp://acme.example/x", "only https addresses"),
        ("https://user:secret@acme.example/x", "user name or password"),
        ("https://", "only https addresses"),
        ("https://[broken", "is not an address"),
    ],
)
def test_other_addresses_are_refused_without_asking_anybody(url, sentence):
    with pytest.raises(UsageError, match=sentence.replace("(", ".")) as caught:
        fetcher().fetch(url)
    assert "secret" not in str(caught.value)


def test_a_page_cannot_lead_to_an_inner_address_that_the_user_did_not_name(web):
    web.pages["/s"] = b"inner"
    with pytest.raises(NotFetched, match="inner address"):
        Fetcher(frozenset({"www.acme.example"}), sleep=lambda seconds: None).fetch(f"{web.base}/s")
    assert web.asked == []
    assert fetcher().fetch(f"{web.base}/s").body == b"inner"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://acme.example/x", "https://10.0.0.1/x", "gopher://x/"])
def test_a_redirect_obeys_the_same_rules(web, target):
    web.pages["/go"] = target
    with pytest.raises((UsageError, NotFetched)):
        fetcher().fetch(f"{web.base}/go")
    web.pages["/fine"], web.pages["/there"] = "/there", b"yes"
    assert fetcher().fetch(f"{web.base}/fine").body == b"yes"


def test_a_circle_of_redirects_ends(web):
    web.pages["/a"], web.pages["/b"] = "/b", "/a"
    with pytest.raises(NotFetched, match="redirects more than 5 times"):
        fetcher().fetch(f"{web.base}/a")
    assert len(web.asked) == 6


def test_a_dead_host_and_an_unknown_one_are_services_that_are_down():
    port = servers.free_port()
    with pytest.raises(ServiceDown, match=r"127\.0\.0\.1 does not answer .*nothing was changed"):
        fetcher().fetch(f"http://127.0.0.1:{port}/")
    with pytest.raises(ServiceDown, match="does not resolve"):
        fetcher().fetch("https://no-such-host.invalid/")


def test_a_server_that_breaks_off_or_drips_for_ever_ends(web, monkeypatch):
    web.pages["/cut"], web.pages["/drip"] = b"cut", b"drip"
    with pytest.raises(ServiceDown, match="broke off"):
        fetcher().fetch(f"{web.base}/cut")
    monkeypatch.setattr(harvester.web, "WHOLE_SECONDS", 0.2)
    monkeypatch.setattr(harvester.web, "CHUNK", 1)
    with pytest.raises(NotFetched, match="takes longer than"):
        fetcher().fetch(f"{web.base}/drip")


def test_too_much_is_not_read(web):
    web.pages["/big"] = b"x" * 2_000_000
    with pytest.raises(NotFetched, match="larger than 1 MB"):
        fetcher().fetch(f"{web.base}/big", 1_000_000)


def test_a_plain_server_behind_https_is_told_in_one_sentence(web):
    with pytest.raises(ServiceDown) as caught:
        Fetcher(frozenset({"127.0.0.1"}), sleep=lambda seconds: None).fetch(f"https://127.0.0.1:{web.port}/")
    assert "127.0.0.1 does not answer" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_robots_txt_is_asked_once_and_obeyed(web):
    web.pages["/robots.txt"] = b"User-agent: *\nDisallow: /private\nCrawl-delay: 3\n"
    one = fetcher()
    assert one.is_allowed(f"{web.base}/open")
    assert not one.is_allowed(f"{web.base}/private/x")
    assert web.paths == ["/robots.txt"]


def test_a_host_without_robots_txt_allows_everything(web):
    assert fetcher().is_allowed(f"{web.base}/anything")


def test_there_is_a_pause_between_two_requests_as_long_as_the_host_asks(web):
    waited = []
    web.pages.update({"/robots.txt": b"User-agent: *\nCrawl-delay: 3\n", "/a": b"a"})
    one = Fetcher(frozenset({"127.0.0.1"}), sleep=waited.append, clock=lambda: 100.0)
    one.is_allowed(f"{web.base}/a")
    one.fetch(f"{web.base}/a")
    assert waited == [3.0]
    web.pages["/robots.txt"] = b"User-agent: *\nCrawl-delay: 900\n"
    two = Fetcher(frozenset({"127.0.0.1"}), sleep=waited.append, clock=lambda: 100.0)
    two.is_allowed(f"{web.base}/a")
    two.fetch(f"{web.base}/a")
    assert waited == [3.0, 10.0]


def test_the_address_that_was_checked_is_the_one_that_is_asked(web, monkeypatch):
    asked = []
    resolve = socket.getaddrinfo

    def once(host, *arguments, **settings):
        asked.append(host)
        return resolve("127.0.0.1", *arguments, **settings)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    web.pages["/a"] = b"a"
    assert fetcher("localhost").fetch(f"http://localhost:{web.port}/a").body == b"a"
    assert [host for host in asked if host == "localhost"] == ["localhost"]
