"""Reads dates as mail clients of any language write them into quotes."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from harvester.splitting.tables import Tables, join_months

MAX_LENGTH = 160
# Thai first: its vowel signs are no word characters to re, and its short months have dots inside.
TOKEN = re.compile(r"[\u0e01-\u0e4e]+(?:\.[\u0e01-\u0e4e]+)*|\d+|[^\W\d_]+(?:['’_][^\W_]+)?|[^\w\s]")
TIME = re.compile(
    r"(?<![\d.])(\d{1,2})\s?(?:[:.h時시点點]|uhr)\s?(\d{2})(?:\s?[:.分]\s?(\d{2}))?(?![\d/])(?!\.\d{2,4}\b)"
)
CLOCK = re.compile(r"(?<!\d)(\d{1,2}) ?[:h] ?(\d{2})(?::(\d{2}))?(?!\d)")
CJK_TIME = re.compile(r"(上午|下午|오전|오후|午前|午後)?\s?(\d{1,2})[:時时시点點]\s?(\d{1,2})?")
NUMERIC = re.compile(r"(?<!\d)(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{2,4})(?!\d)")
CJK_DATE = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일号號]?")
ZONE = re.compile(r"(?:gmt|utc)?\s?([+-])(\d{1,2}):?(\d{2})?(?!\d)")
ZONES: Mapping[str, int] = {
    "gmt": 0, "utc": 0, "z": 0, "wet": 0, "cet": 60, "mez": 60, "cest": 120, "mesz": 120, "eet": 120, "eest": 180,
    "msk": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
    "jst": 540, "kst": 540, "bst": 60, "west": 60, "hst": -600, "akst": -540, "akdt": -480, "aest": 600, "aedt": 660,
}  # fmt: skip
ARTICLES = frozenset(("de", "of", "del", "di", "den", "a", "du", "le"))


def parse_date(
    folded: str, tables: Tables, *, before: datetime | None = None, languages: frozenset[str] = frozenset()
) -> datetime | None:
    """The moment a folded text names; naive when it names no zone; None unless day, month and year are there.

    before: when the mail was sent; decides between day/month and month/day. languages: codes of those it may be in;
    "listopad" is October in Croatian and November in Polish.
    """
    text = join_months(folded[:MAX_LENGTH], tables)
    if not any(char.isdigit() for char in text):
        return None
    day = _find_day(text, tables, before, languages)
    if day is None:
        return None
    (year, month, day_of_month), rest = day
    hour, minute, second = _find_time(rest, tables)
    try:
        moment = datetime(year, month, day_of_month, hour, minute, second)  # noqa: DTZ001 - no zone means naive
    except ValueError:
        return None
    zone = _find_zone(rest)
    try:
        return moment.replace(tzinfo=zone) if zone is not None else moment
    except (ValueError, OverflowError):
        return moment


def _find_day(
    text: str, tables: Tables, before: datetime | None, languages: frozenset[str]
) -> tuple[tuple[int, int, int], str] | None:
    """((year, month, day), the text with that cut out)."""
    match = CJK_DATE.search(text)
    if match:
        return (int(match[1]), int(match[2]), int(match[3])), _cut(text, match)
    named = _find_named_month(text, tables, languages)
    if named is not None:
        return named
    for match in NUMERIC.finditer(text):
        date = _order_numeric(match, text, before)
        if date:
            return date, _cut(text, match)
    return None


def _cut(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"


def _order_numeric(match: re.Match[str], text: str, before: datetime | None) -> tuple[int, int, int] | None:
    a, b, c = int(match[1]), int(match[3]), int(match[4])
    if len(match[1]) == 4:
        return (a, b, c) if _is_day(a, b, c) else None
    year = c + 2000 if len(match[4]) == 2 else c
    choices = [(year, b, a), (year, a, b)]
    if match[2] == "/" and _says_half_day(text):
        choices.reverse()
    valid = [choice for choice in choices if _is_day(*choice)]
    if len(valid) > 1 and before is not None:
        limit = before.replace(tzinfo=None) + timedelta(days=2)
        past = [choice for choice in valid if datetime(*choice) <= limit]  # noqa: DTZ001
        if len(past) == 1:
            return past[0]
    return valid[0] if valid else None


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        datetime(year, month, day)  # noqa: DTZ001
    except ValueError:
        return False
    return 1970 <= year <= 2200


def _says_half_day(text: str) -> bool:
    return any(word in ("am", "pm") for word in re.findall(r"[a-z]+", text))


def _find_named_month(text: str, tables: Tables, languages: frozenset[str]) -> tuple[tuple[int, int, int], str] | None:
    tokens = [(match.group(), match.start(), match.end()) for match in TOKEN.finditer(text)]
    months = [
        (at, _month_number(word, tables, languages)) for at, (word, _, _) in enumerate(tokens) if word[0].isalpha()
    ]
    # "mar 3 nov": Tuesday in Spanish, March elsewhere.
    named = sorted((tokens[at][0] in tables.weekdays, at, month) for at, month in months if month is not None)
    for _, at, month in named:
        found = _numbers_around(tokens, at)
        if found is None:
            continue
        year, day, used = found
        if _is_day(year, month, day):
            kept = list(text)
            for start, end in used:
                kept[start:end] = " " * (end - start)
            return (year, month, day), "".join(kept)
    return None


def _month_number(word: str, tables: Tables, languages: frozenset[str]) -> int | None:
    # Hebrew glues its "in" to the month.
    numbers = tables.months.get(word) or (tables.months.get(word[1:]) if word[0] in "בל" else None)
    if not numbers:
        return None
    values = [number for code, number in numbers.items() if code in languages] or list(numbers.values())
    return values[0] if len(set(values)) == 1 else max(set(values), key=values.count)


def _numbers_around(tokens: list[tuple[str, int, int]], at: int) -> tuple[int, int, list[tuple[int, int]]] | None:
    """(year, day, spans used) next to the month word: "3. Mai 2024", "May 3rd, 2024", "2024. május 3."."""
    before = _near_numbers(tokens, range(at - 1, max(-1, at - 7), -1))
    after = _near_numbers(tokens, range(at + 1, min(len(tokens), at + 8)))
    day = year = None
    used = [(tokens[at][1], tokens[at][2])]
    for number, span, width in before[:2]:
        if width == 4 and year is None and _as_year(number):
            year = _as_year(number)
            used.append(span)
        elif width <= 2 and day is None and 1 <= number <= 31:
            day = number
            used.append(span)
        else:
            break
    for number, span, width in after[:2]:
        if width == 4 and year is None and _as_year(number):
            year = _as_year(number)
            used.append(span)
        elif width <= 2 and day is None and 1 <= number <= 31:
            day = number
            used.append(span)
        elif width == 2 and year is None and day is not None:
            year = 2000 + number
            used.append(span)
        else:
            break
    return (year, day, used) if year is not None and day is not None else None


def _as_year(number: int) -> int:
    """A year as we count, also from the Buddhist era (543 years ahead); 0 for a number that is no year."""
    year = number - 543 if 2500 <= number <= 2700 else number
    return year if 1970 <= year <= 2200 else 0


def _near_numbers(tokens: list[tuple[str, int, int]], positions: range) -> list[tuple[int, tuple[int, int], int]]:
    """Numbers in reading order from the month word, up to a colon (then it is a clock) or too many words."""
    found = []
    words = 0
    for position in positions:
        word, start, end = tokens[position]
        if word[0].isdigit():
            if _is_glued(tokens, position):
                break
            found.append((int(word[:4]), (start, end), len(word)))
        elif word[0].isalpha():
            words += word not in ARTICLES
            if words > 2:
                break
    return found


def _is_glued(tokens: list[tuple[str, int, int]], position: int) -> bool:
    """Whether a number belongs to 18/04/2017, 10.30 or 10:30 rather than standing by itself."""
    for mark, number in ((position + 1, position + 2), (position - 1, position - 2)):
        if 0 <= mark < len(tokens) and 0 <= number < len(tokens) and tokens[mark][0] in "/.-:":
            low, high = min(position, number), max(position, number)
            if tokens[number][0][0].isdigit() and tokens[high][1] - tokens[low][2] == 1:
                return True
    return False


def _find_time(text: str, tables: Tables) -> tuple[int, int, int]:
    match = CLOCK.search(text) or TIME.search(text)
    if match is None:
        match_cjk = CJK_TIME.search(text)
        if match_cjk is None or match_cjk[2] is None:
            return 0, 0, 0
        hour, minute, second = int(match_cjk[2]), int(match_cjk[3] or 0), 0
        start, end = match_cjk.span()
    else:
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        start, end = match.span()
    around = text[max(0, start - 6) : start] + " " + text[end : end + 8]
    afternoon = (
        any(mark in around for mark in ("下午", "晚上", "傍晚", "오후", "저녁", "午後"))
        or re.search(r"\bp\.? ?m\b", around) is not None
        or any(word.strip(",;)،") in tables.pm_words for word in _words_around(text, start, end))
    )
    morning = any(mark in around for mark in ("上午", "오전", "午前")) or re.search(r"\ba\.? ?m\b", around) is not None
    if afternoon and hour < 12:
        hour += 12
    elif morning and hour == 12:
        hour = 0
    return (hour, minute, second) if hour < 24 and minute < 60 and second < 60 else (0, 0, 0)


def _words_around(text: str, start: int, end: int) -> list[str]:
    """The word before a clock and the three after it ("6:05 de la tarde")."""
    return text[max(0, start - 16) : start].split()[-1:] + text[end : end + 30].split()[:3]


def _find_zone(text: str) -> timezone | None:
    match = ZONE.search(text)
    if match:
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes < 15 * 60:
            return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    for word in re.findall(r"[a-z]+", text):
        if word in ZONES:
            return timezone(timedelta(minutes=ZONES[word])) if ZONES[word] else UTC
    return None
