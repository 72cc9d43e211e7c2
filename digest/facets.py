"""Gathers what topics say of competitors, products and reasons to buy. Reads the database and reasons.toml only."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlite_utils import Database

from digest.records import TopicFacets
from harvester.config import Config
from nlp.inside_records import Show
from nlp.mentions import Listed, count_mentions, gather_names
from nlp.reasons import Support, read_reasons
from nlp.records import StoredInsight
from nlp.wording import words_in


def gather_facets(
    config: Config,
    database: Database,
    insights: Mapping[int, Sequence[StoredInsight]],
    folder: Path | None,
    show: Show,
    *,
    with_found: bool = True,
) -> dict[int, TopicFacets]:
    """By topic; topics that name nothing are left out.

    show: redacts; a name that it changes is a person's or a customer's and is not shown. with_found: also names that
    only the text shows, which may be anybody's: not on pages that leave the company. folder: of reasons.toml.
    """
    company = config.company
    own = frozenset(word.casefold() for word in (*words_in(company.name), *(d.split(".")[0] for d in company.domains)))
    listed = Listed(company.competitors, company.products)
    names = gather_names((one for members in insights.values() for one in members), listed, own)
    supports = _find_supports(database, insights, folder)

    def may_show(name: str) -> bool:
        return with_found and show(f"We use {name}.") == f"We use {name}."

    found = {}
    for topic, members in insights.items():
        facets = TopicFacets(count_mentions(members, names, may_show), supports.get(topic, ()))
        if facets.mentions or facets.supports:
            found[topic] = facets
    return found


def _find_supports(
    database: Database, insights: Mapping[int, Sequence[StoredInsight]], folder: Path | None
) -> dict[int, tuple[Support, ...]]:
    reasons = read_reasons(folder) if folder else ()
    if not reasons:
        return {}
    # Only who has reasons waits for the encoders.
    from nlp.embedding import load_encoders
    from nlp.reason_matching import find_supported

    return find_supported(database, load_encoders(), reasons, insights)
