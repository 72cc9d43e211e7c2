"""Decides what may be shown of each insight. Redaction of all of them is shared between two processes."""

from collections.abc import Iterable, Sequence

from digest.page_records import Voice
from digest.records import Windows
from digest.site_answers import Sources
from digest.site_content import Showing, choose_words, make_voice
from digest.site_halves import share_work
from nlp.records import StoredInsight

AT_ONCE = 500  # insights


def describe_voices(
    insights: Iterable[StoredInsight], windows: Windows, showing: Showing, sources: Sources, *, workers: int
) -> dict[int, Voice]:
    """What may be shown, by id of the insight. What was inferred or cannot be made safe is missing."""
    said = [insight for insight in insights if not insight.inferred]
    chunks = [said[start : start + AT_ONCE] for start in range(0, len(said), AT_ONCE)]

    def look(chunk: Sequence[StoredInsight]) -> dict[int, tuple[str, str] | None]:
        """Only what is not shown as it was said: little travels between the processes."""
        words = ((insight, choose_words(insight, showing.redaction)) for insight in chunk)
        return {insight.id: shown for insight, shown in words if shown != (insight.text, insight.context)}

    changed: dict[int, tuple[str, str] | None] = {}
    for found in share_work(chunks, look, size=len(said), workers=workers):
        changed |= found
    shown = ((insight, changed.get(insight.id, (insight.text, insight.context))) for insight in said)
    return {insight.id: make_voice(insight, words, windows, showing, sources) for insight, words in shown if words}
