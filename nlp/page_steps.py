"""Brings the matching of pages and topics up to date: embeds what is new, compares, stores. Run by the commands."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sqlite_utils import Database

from nlp.embedding import Encoders, Vectors, load_packaged_encoders
from nlp.page_matching import TopicVoice, VoiceVectors, match_topics, split_passages
from nlp.page_store import (
    count_pages,
    load_page_keys,
    load_passages,
    load_sent,
    load_unembedded_pages,
    load_voices,
    save_matches,
    save_passages,
    save_voices,
)
from nlp.page_voices import embed_prior, embed_sayings, encoders_in_use, spread
from nlp.records import StoredInsight
from nlp.space import Expression
from nlp.store import topic_insights

PAGES_AT_ONCE = 200


def match_pages(database: Database, load: Callable[[], Encoders] = load_packaged_encoders) -> int:
    """Compare every topic with every page; returns how many topics have a page. Running it again changes nothing."""
    if not count_pages(database):
        return 0
    encoders = load()
    used = encoders_in_use(encoders)
    model = "+".join(encoder.name for encoder in used)
    sizes = [encoder.size for encoder in used]
    _embed_pages(database, encoders, model)
    insights = topic_insights(database)
    sayings = {topic: spread([_saying(one) for one in members]) for topic, members in insights.items()}
    topics = tuple(sayings)
    vectors = _embed_topics(database, encoders, sayings, model)
    sent, keys = load_sent(database), load_page_keys(database)
    voices = [_voice(topic, sayings[topic], insights[topic], sent, keys) for topic in topics]
    rows = np.array([vectors[topic] for topic in topics]).reshape(len(topics), 2 * sum(sizes))
    found = match_topics(voices, _unpack(rows, sizes), load_passages(database, model, sizes), embed_prior(encoders))
    save_matches(database, dict(zip(topics, found, strict=True)))
    return sum(bool(one) for one in found)


def _embed_pages(database: Database, encoders: Encoders, model: str) -> None:
    missing = load_unembedded_pages(database, model)
    for start in range(0, len(missing), PAGES_AT_ONCE):
        passages = {
            page: split_passages(title, summary, text)
            for page, title, summary, text in missing[start : start + PAGES_AT_ONCE]
        }
        texts = [text for some in passages.values() for text in some]
        save_passages(database, model, passages, [encoder.embed(texts) for encoder in encoders_in_use(encoders)])


def _embed_topics(
    database: Database, encoders: Encoders, sayings: Mapping[int, Sequence[Expression]], model: str
) -> dict[int, Vectors]:
    """topic -> its vectors in one row; only what says something else than last time is embedded."""
    known = load_voices(database)
    marks = {topic: _fingerprint(model, some) for topic, some in sayings.items()}
    new = [topic for topic, mark in marks.items() if topic not in known or known[topic][0] != mark]
    if new:
        voices = embed_sayings(encoders, [sayings[topic] for topic in new])
        rows = np.hstack([*voices.questions, *voices.answers])
        fresh = {topic: (marks[topic], row) for topic, row in zip(new, rows, strict=True)}
        save_voices(database, fresh)
        known = {**known, **fresh}
    return {topic: known[topic][1] for topic in sayings}


def _unpack(rows: Vectors, sizes: Sequence[int]) -> VoiceVectors:
    ends = np.cumsum([*sizes, *sizes])
    blocks = [rows[:, end - size : end] for size, end in zip((*sizes, *sizes), ends, strict=True)]
    return VoiceVectors(tuple(blocks[: len(sizes)]), tuple(blocks[len(sizes) :]))


def _voice(
    topic: int,
    sayings: Sequence[Expression],
    members: Sequence[StoredInsight],
    sent: Mapping[int, Sequence[str]],
    keys: Mapping[str, int],
) -> TopicVoice:
    """A mail that answers several insights of the topic sent its links once."""
    counts: dict[int, int] = {}
    answered = {insight.message for insight in members if insight.answer}
    for message in sorted(answered):
        for key in sent.get(message, ()):
            if key in keys:
                counts[keys[key]] = counts.get(keys[key], 0) + 1
    texts = tuple(text for one in sayings for text in (one.text, one.answer) if text)
    return TopicVoice(topic, texts, counts, len(answered))


def _saying(insight: StoredInsight) -> Expression:
    return Expression(insight.text, insight.context, insight.answer, insight.language)


def _fingerprint(model: str, sayings: Sequence[Expression]) -> str:
    digest = hashlib.sha256(model.encode())
    for one in sayings:
        digest.update(repr((one.question, one.answer)).encode("utf-8", "replace"))
    return digest.hexdigest()[:32]
