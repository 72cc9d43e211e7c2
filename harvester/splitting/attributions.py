"""Reads attribution lines ("On ... X wrote:"), broken over several lines, with or without a verb, in any language."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harvester.splitting.authors import ADDRESS, Author, clean_name
from harvester.splitting.dates import parse_date
from harvester.splitting.lines import Line
from harvester.splitting.phrases import INVISIBLE, UNSPACED, fold
from harvester.splitting.tables import Tables, join_months, knows, verb_key

MAX_LENGTH = 420
MAX_LINES = 5
MAX_NAME_WORDS = 7
MIN_NOUN = 6
ENDS = re.compile(r"[:：﹕]\s*[*_\"'»>]{0,3}$|[-–—]{2,}\s*$|>>>$")
# Gmail's old attribution: an ISO date with an offset, then a name, and no colon when there is no address.
ISO_GMAIL = re.compile(r"\d{4}-\d{2}-\d{2} \d{1,2}:\d{2} GMT[+-]\d{2}:\d{2} [^\W\d_][^:@<>]{1,60}$")
DATE_FIRST = re.compile(r"\s{0,4}\d{4}[/-]\d{1,2}[/-]\d{1,2}\b")
# A number, also behind a glued preposition (Hebrew "ב-17:02") or among the characters of an East Asian moment.
NUMBERED = re.compile(
    r"[^\w]*(?:\w{1,2}-)?\d|\w{0,4}\d{1,4}\s?[年月日時时分点點년월일시분]|(?:上午|下午|오전|오후|午前|午後)\d"
)
CJK_MOMENT = re.compile(
    r"\d{4}\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일号號]?|\d{4}[/.-]\d{1,2}[/.-]\d{1,2}"
    r"|(?:上午|下午|오전|오후|午前|午後)?\s?\d{1,2}\s?[:時时시点點]\s?\d{0,2}(?::\d{2})?\s?[分분]?"
)
# Hebrew "in", glued to the month.
GLUED_IN = ("ב", "ל")
WIDE_MARK = re.compile("[，、；。：（）]")
DATE_SHAPE = re.compile(r"\d{1,4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{1,4}|\d{4}\s?[年년]")
TIME_SHAPE = re.compile(r"\d{1,2}[:h.]\d{2}|\d\s?[時时点點시]")
# A year, a clock or a whole date: "On Monday Tom asked:" alone is an ordinary sentence.
EXACT = re.compile(r"\d{4}|\d{1,2}[:h.]\d{2}|\d[./-]\d{1,2}[./-]\d")
DIGIT = re.compile(r"\d")
OFFSET = re.compile(r"(?:gmt|utc)?[+-]\d{1,2}:?\d{0,2}")
ADDRESS_GROUP = re.compile(
    r"[<\[(]{0,2}\s?(?:mailto:[^<>]{0,80}<\s?)?(?:mailto:)?\[?"
    r"[\w.+%&'-]{1,128}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}"
    r"(?:\]?\(mailto:[^()\s]{1,200}\)|\s?<mailto:[^<>\s]{1,200}>)?\s?[>\])]{0,3}"
)
EDGE = " \t,;:：.()[]<>\"'“”„‟«»‹›*_|-–—、،"


@dataclass(frozen=True, slots=True)
class Attribution:
    """Lines start..end-1 say that `author` wrote what follows."""

    start: int
    end: int
    author: Author
    sent_at: datetime | None


@dataclass(slots=True)
class _Tokens:
    """What the words of a candidate are. kinds: one letter each: Verb, Date, Address, Opener, Connective, Name.

    languages: codes of those its verb is in, none if it has no verb.
    """

    words: list[str]
    kinds: list[str]
    languages: frozenset[str]


def may_end_attribution(text: str) -> bool:
    """A cheap look at the end of a line."""
    return text[-1] in ":：﹕-–—*_\"'»>" and ENDS.search(text[-12:]) is not None


def may_end_without_colon(text: str, tables: Tables) -> bool:
    """Whether the last word of a line is an attribution verb; then a marked quote has to follow."""
    return len(text) < 200 and fold(text[-24:].rpartition(" ")[2]) in tables.verb_ends


def read_attribution(
    lines: Sequence[Line], last: int, floor: int, tables: Tables, sent_at: datetime | None
) -> Attribution | None:
    """The attribution that ends with line `last` and begins at `floor` or later."""
    quote_follows = _quote_follows(lines, last)
    if not quote_follows and not may_end_attribution(lines[last].text):
        return None
    weak: Attribution | None = None
    joined = ""
    taken = 0
    for start in range(last, max(floor, last - MAX_LINES - 1) - 1, -1):
        text = lines[start].text.strip()
        if not text:
            if joined[:1] in "<m" and taken:
                continue
            break
        if start < last and not _joins(lines[start], lines[start + 1] if lines[start + 1].text else lines[last]):
            break
        if (
            lines[start].depth > lines[max(start - 1, floor)].depth
            and start > floor
            and _is_open(lines[start - 1].text)
        ):
            text = "> " + text
        taken += 1
        joined = f"{text} {joined}" if joined else text
        if len(joined) > MAX_LENGTH or taken > MAX_LINES:
            break
        found = _read_joined(joined, quote_follows or lines[last].hint == "attribution", tables, sent_at)
        if found is None:
            continue
        author, moment, strong = found
        attribution = Attribution(start, last + 1, author, moment)
        if strong and not _is_lone_opener(lines, start - 1, floor, tables):
            return attribution
        weak = attribution if strong else weak or attribution
    return weak


def read_unfinished(text: str, tables: Tables, sent_at: datetime | None) -> tuple[Author, datetime | None] | None:
    """An attribution whose colon is missing; for lines right above a header block and for Gmail's old form."""
    found = _read_joined(text.strip() + ":", True, tables, sent_at)
    return (found[0], found[1]) if found is not None and found[2] else None


def is_without_colon(text: str) -> bool:
    """A cheap look: `2016-03-03 17:21 GMT+01:00 Some One` or `2011/4/7 Some One <some@one>`."""
    return (text[-1] == ">" or "GMT" in text) and len(text) < 200 and DATE_FIRST.match(text) is not None


def is_old_gmail(text: str, lines: Sequence[Line], at: int) -> bool:
    """Whether such a line introduces a quote."""
    if text[-1] == ">":
        return "@" in text and _quote_follows(lines, at)
    return ISO_GMAIL.match(text.strip()) is not None


def _quote_follows(lines: Sequence[Line], last: int) -> bool:
    depth = lines[last].depth
    for line in lines[last + 1 : last + 4]:
        if line.text.strip():
            return line.depth > depth
        if line.depth > depth:
            return True
    return False


def _is_lone_opener(lines: Sequence[Line], at: int, floor: int, tables: Tables) -> bool:
    """Whether the line above is nothing but an "On" that a program broke off."""
    return at >= floor and len(lines[at].text) <= 12 and fold(lines[at].text) in tables.openers


def _is_open(text: str) -> bool:
    return text.count("<") > text.count(">")


def _joins(upper: Line, lower: Line) -> bool:
    """Both lines belong to one level, or the lower one only looks quoted because an address was cut before its `>`."""
    return upper.depth == lower.depth or (lower.depth == upper.depth + 1)


def _read_joined(
    joined: str, quote_follows: bool, tables: Tables, sent_at: datetime | None
) -> tuple[Author, datetime | None, bool] | None:
    """(author, date, whether it is beyond doubt), or None when this is no attribution."""
    text = joined.replace("&lt;", "<").replace("&gt;", ">")
    if not text.isascii():
        text = text.translate(INVISIBLE)
        if UNSPACED.search(text):
            text = WIDE_MARK.sub(r"\g<0> ", CJK_MOMENT.sub(r" \g<0> ", tables.verbs.set_apart(text)))
    address = None
    if "@" in text:
        match = ADDRESS.search(text)
        if match:
            address = match.group().strip(".'").lower()
            text = ADDRESS_GROUP.sub(" \x01 ", text, count=3)
    tokens = _classify(text, tables)
    if tokens.languages and not _has_date(text, tokens) and DIGIT.search(text):
        # Programs mix languages: an English verb behind a Croatian date.
        tokens = _classify(text, tables, any_language=True)
    kinds = "".join(tokens.kinds)
    has_verb = "V" in kinds
    has_date = "D" in kinds and _has_date(text, tokens)
    quoting = "O" in kinds and address is not None and quote_follows
    if not (has_verb or quoting or (has_date and (address or quote_follows))):
        return None
    runs = _name_runs(tokens)
    named = _choose_name(runs, tokens)
    stray = sum(len(run) for run, _ in runs) - len(named)
    if len(named) > MAX_NAME_WORDS or stray > 3:
        return None
    while len(named) > 1 and knows(tables.auxiliaries, named[-1], tokens.languages):
        named = named[:-1]  # "Li Chen hat am ... geschrieben"
    name = clean_name(" ".join(named).partition(" via ")[0]) if named else None
    author = Author(name, address)
    if _is_open(text) and not address:
        return None
    strong = has_date and (kinds[0] in "OD" or kinds[:2] == "ND" or kinds[-1] == "D" or has_verb)
    if has_date and has_verb:
        if not (address or quote_follows or (_looks_like_name(name) and EXACT.search(text))):
            return None
    elif has_date and address:
        # A verb in a language nobody taught us is a stray word; then a marked quote must follow.
        if (stray and not quote_follows) or not (quote_follows or TIME_SHAPE.search(text)):
            return None
    elif has_date:
        if stray or not quote_follows or not _looks_like_name(name):
            return None
    elif address:
        if stray > 1:
            return None
    elif not has_verb or not quote_follows or stray or len(named) > 5 or (not name and "O" not in kinds):
        return None
    dated = fold(_date_text(tokens)) if has_date else ""
    moment = parse_date(dated, tables, before=sent_at, languages=tokens.languages)
    return author, moment, strong


def _looks_like_name(name: str | None) -> bool:
    """Begins with a capital, or is written in a script that has none."""
    return bool(name) and name is not None and not name[0].islower() and any(char.isalpha() for char in name)


def _classify(text: str, tables: Tables, *, any_language: bool = False) -> _Tokens:
    words = join_months(text, tables).split()
    folded = [fold(word) for word in words]
    joined = " ".join(folded)
    starts = []
    offset = 0
    for word in folded:
        starts.append(offset)
        offset += len(word) + 1
    kinds = ["?"] * len(words)
    languages: frozenset[str] = frozenset()
    for begin, end in tables.verbs.spans(joined):
        languages |= tables.verb_codes.get(verb_key(joined[begin:end]), frozenset())
        for at, start in enumerate(starts):
            if start < end and start + len(folded[at]) > begin and words[at] != "\x01":
                kinds[at] = "V"
    if any_language:
        languages = frozenset()
    _mark_openers(joined, folded, kinds, tables)
    _mark_dates(folded, kinds, tables, languages)
    for at, word in enumerate(folded):
        if kinds[at] == "?":
            kinds[at] = _rest_kind(word, kinds[at - 1] if at else "", tables, languages)
    return _Tokens(words, kinds, languages)


def _rest_kind(word: str, kind_before: str, tables: Tables, languages: frozenset[str]) -> str:
    """The kind of a word that is neither verb, opener nor date."""
    bare = word.strip(EDGE)
    if word == "\x01":
        return "A"
    if not bare or knows(tables.small_words, bare, languages):
        return "C"
    return "C" if kind_before in ("D", "C") and knows(tables.auxiliaries, bare, languages) else "N"


def _mark_openers(joined: str, folded: list[str], kinds: list[str], tables: Tables) -> None:
    start = next((at for at, word in enumerate(folded) if word.strip(EDGE)), None)
    if start is None:
        return
    first = folded[start].strip(EDGE)
    rest = " ".join(word.strip(EDGE) for word in folded[start : start + 12]) + " "
    for phrase in tables.opener_phrases.get(first, ()):
        if rest.startswith(phrase + " "):
            for at in range(start, min(len(kinds), start + len(phrase.split()))):
                kinds[at] = "O" if kinds[at] != "V" else "V"
            return
    if first in tables.openers and len(folded) > start + 1:
        # "Quoting", "Nachricht", "Message" do a verb's work; prepositions do not.
        kinds[start] = "V" if len(first) >= MIN_NOUN and first.isalpha() else "O"


def _mark_dates(folded: list[str], kinds: list[str], tables: Tables, languages: frozenset[str]) -> None:
    month = weekday = False
    for at, word in enumerate(folded):
        if kinds[at] not in "?V":
            continue
        bare = word.strip(EDGE)
        if not bare:
            continue
        if NUMBERED.match(word) and "\x01" not in word:
            kinds[at] = "D"
            month = month or DATE_SHAPE.search(word) is not None
        elif kinds[at] == "V":
            continue
        elif (
            knows_month(bare, tables, languages)
            and not month
            and _has_number_near(folded, at)
            and not _is_weekday_here(folded, at, tables)
        ):
            kinds[at] = "D"
            month = True
        elif not weekday and knows(tables.weekdays, bare, languages) and _is_at_date(folded, kinds, at):
            kinds[at] = "D"
            weekday = True
        elif _glued_month(bare, tables) and not month:
            kinds[at] = "D"
            month = True
        elif _is_zone_or_half_day(bare, kinds[at - 1] if at else "", tables, languages):
            kinds[at] = "D"


def knows_month(word: str, tables: Tables, languages: frozenset[str]) -> bool:
    """Whether the word is a month in one of the languages (any, if none are given) or in English."""
    codes = tables.months.get(word) or (tables.months.get(word[1:]) if word[:1] in GLUED_IN else None)
    if codes is None:
        return False
    # Words in Latin letters may mean something else elsewhere; the month of another script is a month.
    return not languages or not word.isascii() or "en" in codes or not languages.isdisjoint(codes)


def _is_zone_or_half_day(bare: str, kind_before: str, tables: Tables, languages: frozenset[str]) -> bool:
    if kind_before in ("D", "O") and (knows(tables.date_words, bare, languages) or bare in ("gmt", "utc")):
        return True
    return OFFSET.fullmatch(bare) is not None


def _is_weekday_here(folded: list[str], at: int, tables: Tables) -> bool:
    """ "mar 3 nov": a word that is both stands for the weekday when a month follows."""
    return folded[at].strip(EDGE) in tables.weekdays and any(
        word.strip(EDGE) in tables.months for word in folded[at + 1 : at + 4]
    )


def _has_number_near(folded: list[str], at: int) -> bool:
    near = folded[max(0, at - 2) : at] + folded[at + 1 : at + 3]
    return any(char.isdigit() for word in near for char in word)


def _is_at_date(folded: list[str], kinds: list[str], at: int) -> bool:
    """A weekday stands first, after the opener, or next to a number; else it may be a name (Di, Mar)."""
    if at == 0 or kinds[at - 1] in "OD":
        return any(char.isdigit() for word in folded[at + 1 : at + 5] for char in word) or (
            at > 0 and kinds[at - 1] == "D"
        )
    return any(char.isdigit() for word in folded[at + 1 : at + 2] for char in word)


def _glued_month(bare: str, tables: Tables) -> bool:
    """`11-Apr-2011`, `3.mai`."""
    return any(part in tables.months for part in re.split(r"[-./]", bare)[1:]) and any(map(str.isdigit, bare))


def _has_date(text: str, tokens: _Tokens) -> bool:
    """A day: digits in a date's shape, a month or weekday next to a number, or a CJK date."""
    if DATE_SHAPE.search(text):
        return True
    dated = [fold(word) for word, kind in zip(tokens.words, tokens.kinds, strict=True) if kind == "D"]
    numbers = sum(any(map(str.isdigit, word)) for word in dated)
    return numbers >= 1 and any(any(map(str.isalpha, word)) and len(word.strip(EDGE)) > 1 for word in dated)


def _date_text(tokens: _Tokens) -> str:
    return " ".join(
        word
        for word, kind in zip(tokens.words, tokens.kinds, strict=True)
        if kind == "D" or (kind in "CO" and word != "\x01")
    )


def _choose_name(runs: list[tuple[list[str], int]], tokens: _Tokens) -> list[str]:
    """The run right before the address; else the longest."""
    before_address = [run for run, end in runs if end < len(tokens.kinds) and tokens.kinds[end] == "A"]
    if before_address:
        return before_address[0]
    return max((run for run, _ in runs), key=len, default=[])


def _name_runs(tokens: _Tokens) -> list[tuple[list[str], int]]:
    """Runs of name words, with the position behind each; small words (von, de) inside a run belong to it."""
    runs: list[tuple[list[str], int]] = []
    pending: list[str] = []
    open_run = False
    for at, (word, kind) in enumerate(zip(tokens.words, tokens.kinds, strict=True)):
        if kind == "N":
            if open_run:
                runs[-1] = ([*runs[-1][0], *pending, word], at + 1)
            else:
                runs.append(([word], at + 1))
            pending = []
            open_run = not word.endswith((",", ";", ":")) or (len(runs[-1][0]) == 1 and word.endswith(","))
        elif kind == "C" and open_run and len(pending) < 2 and _is_inside_name(word):
            pending.append(word)
        else:
            open_run = False
            pending = []
    return runs


def _is_inside_name(word: str) -> bool:
    return len(word) <= 4 and (word[0].isalpha() or word in "-–|/&")
