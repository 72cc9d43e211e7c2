"""Says what is true about every mail of the sample: parts, insights, topics and how many companies raised them."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from bench.sample.sources import Insight, Item, Sources


def describe_mail(item: Item, sources: Sources) -> dict[str, Any]:
    """One line of truth.jsonl."""
    if item.kind == "raw":
        return describe_raw(item)
    assert item.rep is not None
    earlier = earlier_items(item, sources)
    insights = [insight_row(insight, not item.duplicate_of) for insight in item.insights]
    insights += [insight_row(insight, False) for before in earlier for insight in before.insights]
    row = {
        "file": f"{item.id}.eml",
        "status": "accepted",
        "why": "",
        "colleague": item.rep.address,
        "company": item.company,
        "thread": item.thread,
        "sent_at": item.sent_at.isoformat(),
        "own_text": own_text(item),
        "quoted_author": item.asked_by.address if item.asked_by else "",
        "signature": (item.closing or item.signature or "").partition("\n")[0],
        "signature_block": item.signature.partition("\n")[0],
        "insights": insights,
        "not_insights": [*item.not_insights, *(text for before in earlier for text in before.not_insights)],
        "optional": [*item.optional, *(text for before in earlier for text in before.optional)],
        "structure": structure_of(item),
        "client": item.client,
        "body": item.body,
        "charset": item.charset,
        "cte": item.cte,
        "lang": item.lang,
        "requotes": bool(earlier),
        "scored_only": item.scored_only,
    }
    return {**row, "duplicate_of": f"{item.duplicate_of}.eml"} if item.duplicate_of else row


def describe_raw(item: Item) -> dict[str, Any]:
    raw = item.raw
    row = {
        "file": f"{item.id}.eml",
        "status": raw["status"],
        "why": raw["why"],
        "colleague": raw.get("colleague", ""),
        "company": item.company,
        "thread": item.thread,
        "sent_at": item.sent_at.isoformat(),
        "own_text": raw.get("own_text", ""),
        "quoted_author": raw.get("quoted_author", ""),
        "signature": "",
        "signature_block": "",
        "insights": [],
        "not_insights": list(item.not_insights),
        "optional": list(item.optional),
        "structure": "trap",
        "requotes": False,
    }
    return {**row, **{key: raw[key] for key in ("status_ok", "max_insights") if key in raw}}


def earlier_items(item: Item, sources: Sources) -> list[Item]:
    """The mails of the thread that stand quoted below this one, newest first."""
    chain, link = [], item.history
    while link:
        before = sources.item(link)
        chain.append(before)
        link = before.history
    return chain


def own_text(item: Item) -> str:
    """What the colleague newly wrote, without closing and signature."""
    answers = [block.answer for block in item.blocks if block.answer]
    return "\n".join([*([item.answer] if item.answer else []), *answers])


def structure_of(item: Item) -> str:
    if item.duplicate_of:
        return "duplicate-bcc"
    if item.blocks:
        return "inline"
    if item.kind in {"forward", "note"}:
        return {"forward": "fwd", "note": "note"}[item.kind]
    if item.client == "plain-bottom":
        return "bottom"
    return "top" if item.asked_by else "none"


def insight_row(insight: Insight, new: bool) -> dict[str, Any]:
    row = {
        "text": insight.text,
        "kind": insight.kind,
        "category": insight.category,
        "stage": insight.stage,
        "topic": insight.topic,
        "new": new,
        "inferred": insight.inferred,
    }
    return {**row, "reported": True} if insight.reported else row


def describe_topics(sources: Sources) -> dict[str, Any]:
    """topics.json: distinct companies by first occurrence, in the last 28 days and the 28 before; biggest first."""
    first: dict[str, dict[str, date]] = defaultdict(dict)
    days: dict[str, set[tuple[str, date]]] = defaultdict(set)
    insights: dict[str, int] = defaultdict(int)
    for item in sources.items:
        if item.duplicate_of:
            continue
        for insight in item.insights:
            day = item.asked_at.date()
            insights[insight.topic] += 1
            days[insight.topic].add((item.company, day))
            known = first[insight.topic].get(item.company, day)
            first[insight.topic][item.company] = min(known, day)
    last = sources.company["last_day"]
    recent, before = last - timedelta(days=27), last - timedelta(days=55)
    rows = {
        slug: {
            "description": topic["description"],
            "category": topic["category"],
            "companies": len(first[slug]),
            "companies_last_28_days": len({name for name, day in days[slug] if recent <= day <= last}),
            "companies_28_days_before": len({name for name, day in days[slug] if before <= day < recent}),
            "first_occurrence": {
                name: day.isoformat() for name, day in sorted(first[slug].items(), key=lambda p: (p[1], p[0]))
            },
            "insights": insights[slug],
        }
        for slug, topic in sources.topics.items()
    }
    return dict(sorted(rows.items(), key=lambda pair: (-pair[1]["companies"], pair[0])))
