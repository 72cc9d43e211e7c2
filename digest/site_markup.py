"""The HTML of what comes in thousands: quotes and charts. Templates hold all the rest; every text is escaped here."""

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from markupsafe import Markup

from digest.page_records import IndexRow, Point, Voice, WeekBar
from digest.site_content import count_companies, show_day

SHOWN_POINTS = 8
CHART_WIDTH, CHART_HEIGHT, BAR_STEP, BAR_HEIGHT = 364, 92, 14, 70
RECENT_WEEKS = 4


def list_points(points: Sequence[Point]) -> Markup:
    """Quotes as a list; those beyond the first few are folded away."""
    shown = "".join(map(_point, points[:SHOWN_POINTS]))
    rest = "".join(map(_point, points[SHOWN_POINTS:]))
    html = f'<ul class="voices">{shown}</ul>'
    if rest:
        more = len(points) - SHOWN_POINTS
        html += f'\n<details class="rest"><summary>{more} more</summary><ul class="voices">{rest}</ul></details>'
    return Markup(html)


def list_voices(voices: Sequence[Voice]) -> Markup:
    """Single quotes as a list."""
    return Markup(f'<ul class="voices">{"".join(map(_voice, voices))}</ul>')


def list_entries(entries: Sequence[tuple[Voice, IndexRow | None]], root: str) -> Markup:
    """What one company asked, each with the topic that it belongs to."""
    return Markup(f'<ol class="voices">{"".join(_entry(voice, row, root) for voice, row in entries)}</ol>')


def draw_demand(weeks: Sequence[WeekBar]) -> Markup:
    """Companies per week as bars, with their number on top; the last 28 days stand on a shade."""
    most = max(week.companies for week in weeks)
    scale = BAR_HEIGHT / max(most, 3)
    label = f"Companies that asked per week, {_day(weeks[0].first)} to {_day(weeks[-1].last)}; at most {most} in a week"
    drawn = [
        f'<svg viewBox="0 0 {CHART_WIDTH} 112" role="img" aria-label="{label}">',
        f'<rect class="window" x="{CHART_WIDTH - RECENT_WEEKS * BAR_STEP}" y="0" width="{RECENT_WEEKS * BAR_STEP}"'
        f' height="{CHART_HEIGHT}"></rect>',
        f'<line class="axis" x1="0" x2="{CHART_WIDTH}" y1="{CHART_HEIGHT}.5" y2="{CHART_HEIGHT}.5"></line>',
    ]
    for place, week in enumerate(weeks):
        x, height = place * BAR_STEP, week.companies * scale
        if week.companies:
            kind = "week recent" if place >= len(weeks) - RECENT_WEEKS else "week"
            drawn.append(
                f'<rect class="{kind}" x="{x + 2}" y="{CHART_HEIGHT - height:.1f}" width="10" height="{height:.1f}">'
                f'</rect><text class="value" x="{x + 7}" y="{CHART_HEIGHT - 4 - height:.1f}">{week.companies}</text>'
            )
        if week.month and place < len(weeks) - 1:
            drawn.append(
                f'<line class="axis" x1="{x + 0.5}" x2="{x + 0.5}" y1="{CHART_HEIGHT}" y2="{CHART_HEIGHT + 5}"></line>'
                f'<text class="tick" x="{x + 2}" y="{CHART_HEIGHT + 16}">{week.month}</text>'
            )
    return Markup("\n".join([*drawn, "</svg>"]))


def tabulate_demand(weeks: Sequence[WeekBar]) -> Markup:
    """The numbers of the chart, for those who cannot see it."""
    return Markup(
        "\n".join(
            f"<tr><td>{_day(week.first)} to {_day(week.last)}</td><td>{week.companies}</td></tr>"
            for week in weeks
            if week.companies
        )
    )


def spark_path(weeks: Sequence[int], busiest: int) -> str:
    """The path of a small chart, 104 by 22: one stroke per week in which somebody asked."""
    scale = 20 / max(busiest, 3)
    return "".join(f"M{4 * place + 2} 21v-{count * scale:.1f}" for place, count in enumerate(weeks) if count)


def _voice(voice: Voice) -> str:
    return f'<li class="voice">{_quote(voice)}<p class="source">{_source(voice)}</p></li>\n'


def _point(point: Point) -> str:
    if not point.others:
        return _voice(point.voice)
    said = (point.voice, *point.others)
    sources = "".join(f'<li class="source">{_source(voice)}</li>' for voice in said)
    return (
        f'<li class="voice">{_quote(point.voice)}<details class="same"><summary><strong>'
        f"{count_companies(point.companies)}</strong>, {len(said)} times in the same words</summary>"
        f"<ul>{sources}</ul></details></li>\n"
    )


def _entry(voice: Voice, row: IndexRow | None, root: str) -> str:
    if row is None:
        topic = "no topic yet"
    else:
        lang = f' lang="{escape(row.language)}"' if row.language else ""
        topic = f'<a href="{root}{escape(row.path)}index.html" dir="auto"{lang}>{escape(row.name)}</a>'
    return (
        f'<li class="voice">{_quote(voice)}<p class="source">{_time(voice)} &middot; {voice.kind} &middot; {topic}'
        f"{_unanswered(voice)}</p></li>\n"
    )


def _quote(voice: Voice) -> str:
    lang = f' lang="{escape(voice.language)}"' if voice.language else ""
    context = f'<span class="context">{escape(voice.context)}</span> ' if voice.context else ""
    return f'<blockquote dir="auto"{lang}><p>{context}{escape(voice.text)}</p></blockquote>'


def _source(voice: Voice) -> str:
    source = f" &middot; {escape(voice.source)}" if voice.source else ""
    number = f' <span class="number">#{voice.id}</span>'
    return f"{escape(voice.company)}, {_time(voice)}{source}{number}{_unanswered(voice)}"


def _time(voice: Voice) -> str:
    return f'<time datetime="{voice.day}">{_day(voice.day)}</time>'


def _unanswered(voice: Voice) -> str:
    open_question = voice.kind == "question" and not voice.answered
    return ' &middot; <span class="open">not answered in the mail</span>' if open_question else ""


_day = lru_cache(maxsize=10_000)(show_day)
