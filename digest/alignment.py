"""The alignment index: do sales and marketing agree on what buyers want? Pure; gives the list behind it as data."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from digest.ranking import companies_in, percentage
from digest.records import Alignment, AskedPair, RankedTopic, Windows
from nlp.records import StoredInsight

ALIGNMENT_DAYS = 90


def measure_alignment(
    ranked: Iterable[RankedTopic], insights: Mapping[int, tuple[StoredInsight, ...]], windows: Windows
) -> Alignment:
    """Pairs of company and topic in the 90 days that end with the windows, and those whose topic a page answers.

    insights: by topic id; inferred ones do not count. Pairs come in the order of the topics, then of the companies.
    """
    days = replace(windows.recent, first=windows.recent.last - timedelta(days=ALIGNMENT_DAYS - 1))
    pairs = tuple(
        AskedPair(company, one.topic.id, one.page_url if one.coverage == "answered" else "")
        for one in ranked
        for company in sorted(companies_in(insights.get(one.topic.id, ()), days, windows))
    )
    answered = sum(bool(pair.page_url) for pair in pairs)
    companies = len({pair.company for pair in pairs})
    share = percentage(answered, len(pairs), companies=companies) if answered else None
    return Alignment(days, pairs, answered, len(pairs), share)
