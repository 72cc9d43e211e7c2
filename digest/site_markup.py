"""The HTML of what comes in thousands: quotes, answers, charts. All text is escaped here; templates hold the rest."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from html import escape

from markupsafe import Markup

from digest.page_records import AnswerGroup, Point, RelatedTopic, ShownAnswer, Voice, WeekBar
from digest.site_answers import label_link
from digest.site_content import count_companies, show_day
from digest.web_links import safe_href

SHOWN_POINTS = 8
SHOWN_FIGURES = 12
CHART_WIDTH, CHART_HEIGHT, BAR_STEP, BAR_HEIGHT = 364, 92, 14, 70
RECENT_WEEKS = 4
SETTLE = "Settle which holds before you write."


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


def list_entries(entries: Sequence[tuple[Voice, RelatedTopic | None]], root: str) -> Markup:
    """What one company asked, each with the topic that it belongs to."""
    return Markup(f'<ol class="voices">{"".join(_entry(voice, topic, root) for voice, topic in entries)}</ol>')


def list_answers(groups: Sequence[AnswerGroup]) -> Markup:
    """What colleagues answered, a card for each thing said; a contradiction says so on top."""
    return Markup("".join(map(_answer_card, groups)))


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


def _entry(voice: Voice, topic: RelatedTopic | None, root: str) -> str:
    link = "no topic yet"
    if topic:
        lang = _lang(topic.language)
        link = f'<a href="{root}{topic.path}index.html" dir="auto"{lang}>{escape(topic.name)}</a>'
    return (
        f'<li class="voice">{_quote(voice)}<p class="source">{_time(voice.day)} &middot; {voice.kind} &middot; {link}'
        f"{_unanswered(voice)}</p></li>\n"
    )


def _quote(voice: Voice) -> str:
    lang = _lang(voice.language)
    context = f'<span class="context">{escape(voice.context)}</span> ' if voice.context else ""
    return f'<blockquote dir="auto"{lang}><p>{context}{escape(voice.text)}</p></blockquote>'


def _source(voice: Voice) -> str:
    source = f" &middot; {_short(voice.source)}" if voice.source else ""
    number = f' <span class="number">#{voice.id}</span>'
    return f"{_short(voice.company)}, {_time(voice.day)}{source}{number}{_unanswered(voice)}"


@lru_cache(maxsize=10_000)
def _time(day: date) -> str:
    return f'<time datetime="{day}">{_day(day)}</time>'


def _answer_card(group: AnswerGroup) -> str:
    warning = ""
    if group.figures:
        figures = escape(", ".join(group.figures[:SHOWN_FIGURES]))
        warning = (
            f'<p class="warning"><strong>The same answer with different figures</strong> ({figures}). {SETTLE}</p>'
        )
    elif group.denied:
        warning = f'<p class="warning"><strong>One colleague says yes, another no.</strong> {SETTLE}</p>'
    more = ""
    if group.others:
        count = len(group.others)
        says = "says the same or sends the same page" if count == 1 else "say the same or send the same page"
        variants = "".join(f'<div class="variant">{_answer(answer)}</div>' for answer in group.others)
        is_open = " open" if group.is_conflict else ""
        more = f"<details{is_open}><summary>{count} more that {says}</summary>{variants}</details>"
    kind = "answer differs" if group.is_conflict else "answer"
    asked = f'<p class="asked" dir="auto"{_lang(group.best.language)}>{escape(group.best.question)}</p>'
    return f'<article class="{kind}">{warning}{asked}{_answer(group.best)}{more}</article>\n'


def _answer(answer: ShownAnswer) -> str:
    text = "".join(_link(piece) if is_link else escape(piece) for piece, is_link in answer.text)
    author = f"{_short(answer.author)}, " if answer.author else ""
    return (
        f'<div class="text" dir="auto"{_lang(answer.language)}>{text}</div>'
        f'<p class="source">{author}{_time(answer.day)}</p>'
    )


def _link(url: str) -> str:
    if not safe_href(url):
        return escape(url)
    return f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">{escape(label_link(url))}</a>'


@lru_cache(maxsize=1_000)
def _lang(language: str) -> str:
    return f' lang="{escape(language)}"' if language else ""


def _unanswered(voice: Voice) -> str:
    open_question = voice.kind == "question" and not voice.answered
    return ' &middot; <span class="open">not answered in the mail</span>' if open_question else ""


_day = lru_cache(maxsize=10_000)(show_day)
_short = lru_cache(maxsize=10_000)(escape)  # names come again and again
