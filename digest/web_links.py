"""Which addresses become links, and what a reader must see of them. Pure."""

from urllib.parse import urlsplit

LONGEST_HOST = 70  # a longer one would be cut where it is shown


def safe_href(url: str) -> str:
    """The address when it is a plain web address whose host a reader can see, else "".

    "https://acme.example@evil.example/" and a host that fills the line would show another target than they have.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    is_plain = parts.scheme in ("http", "https") and "@" not in parts.netloc and "\\" not in url and url.isprintable()
    return url if is_plain and 0 < len(host) <= LONGEST_HOST else ""


def host_of(url: str) -> str:
    """The host of an address, without www; "" when there is none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
