"""The web addresses that a sender put into the own text."""

from harvester.records import Link, Mail, Part


def own_links(mail: Mail, parts: tuple[Part, ...]) -> tuple[Link, ...]:
    """Links of the own parts, in order, each once."""
    return ()
