"""What the languages under data/languages know about mail, compiled once into sets and a few flat patterns."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harvester.resources import data_folder
from harvester.splitting.phrases import WORD, PhraseIndex, TemplateIndex, fold

LABEL_FIELDS = ("from", "sent", "to", "cc", "bcc", "subject", "reply_to", "importance", "attachments")

# Folded word -> codes of the languages that know it.
Codes = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything is folded (see `fold`).

    labels: header label -> field -> languages. months: word -> {language: 1-12}.
    """

    verbs: PhraseIndex
    verb_codes: Codes
    verb_ends: frozenset[str]
    openers: frozenset[str]
    opener_phrases: Mapping[str, tuple[str, ...]]
    small_words: Codes
    auxiliaries: Codes
    months: Mapping[str, Mapping[str, int]]
    long_months: re.Pattern[str]
    weekdays: Codes
    date_words: Codes
    pm_words: frozenset[str]
    labels: Mapping[str, Mapping[str, frozenset[str]]]
    glued_labels: re.Pattern[str]
    original: frozenset[str]
    forwarded: frozenset[str]
    reply_above: tuple[str, ...]
    sign_offs: frozenset[str]
    sign_off_starts: frozenset[str]
    greetings: frozenset[str]
    titles: PhraseIndex
    contact_labels: frozenset[str]
    company_forms: frozenset[str]
    postscripts: frozenset[str]
    mobile: TemplateIndex
    banners: PhraseIndex
    banner_tags: frozenset[str]
    sensitivity: frozenset[str]
    sensitivity_names: frozenset[str]
    disclaimers: PhraseIndex
    reply_prefixes: Mapping[str, frozenset[str]]
    forward_prefixes: Mapping[str, frozenset[str]]
    inline_notes: PhraseIndex


@cache
def load_tables() -> Tables:
    """The tables of all languages that are shipped."""
    return compile_tables(read_languages(data_folder() / "languages"))


def read_languages(folder: Path) -> dict[str, dict[str, Any]]:
    """Language code -> what its file says."""
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))}


def compile_tables(languages: Mapping[str, Mapping[str, Any]]) -> Tables:
    """Join the languages into one set of matchers."""

    def words(section: str, *keys: str) -> list[str]:
        found: dict[str, None] = {}
        for language in languages.values():
            for key in keys:
                found.update((fold(word), None) for word in language.get(section, {}).get(key, ()))
        found.pop("", None)
        return list(found)

    def codes(section: str, *keys: str) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for code, language in languages.items():
            for key in keys:
                for word in language.get(section, {}).get(key, ()):
                    bare = fold(word).rstrip(".")
                    found[bare] = found.get(bare, frozenset()) | {code}
        return found

    openers = words("attribution", "openers")
    connectives = words("attribution", "connectives")
    verbs = [verb for verb in words("attribution", "verbs") if verb not in connectives]
    sign_offs = [phrase.rstrip(" ,.!") for phrase in words("signature", "sign_offs")]
    return Tables(
        verbs=PhraseIndex(verbs),
        verb_ends=frozenset(verb.split()[-1] for verb in verbs),
        verb_codes={verb_key(verb): known for verb, known in codes("attribution", "verbs").items()},
        openers=frozenset(opener.split()[0].strip("*") for opener in openers),
        opener_phrases=_by_first_word([opener for opener in openers if " " in opener]),
        small_words=_small_words(codes("attribution", "connectives"), codes("attribution", "openers")),
        auxiliaries=_auxiliaries(codes("attribution", "verbs")),
        months=_month_words(languages),
        long_months=_long_months(languages),
        weekdays=codes("dates", "weekdays", "weekdays_short"),
        date_words=codes("dates", "words", "am_pm"),
        pm_words=frozenset(form for word in words("dates", "pm") for form in _with_and_without_dot(word)),
        labels=_label_words(languages),
        glued_labels=_glued_labels(languages),
        original=frozenset(phrase.rstrip(" :") for phrase in words("separators", "original")),
        forwarded=frozenset(phrase.rstrip(" :") for phrase in words("separators", "forwarded", "forwarded_begin")),
        reply_above=tuple(words("separators", "reply_above")),
        sign_offs=frozenset(sign_offs),
        sign_off_starts=frozenset(phrase.split()[0] for phrase in sign_offs if phrase),
        greetings=frozenset(phrase.rstrip(" ,.!") for phrase in words("signature", "greetings")),
        titles=PhraseIndex(words("signature", "titles")),
        contact_labels=frozenset(label.rstrip(" .:") for label in words("signature", "contact_labels")),
        company_forms=frozenset(words("signature", "company_forms")),
        postscripts=frozenset(word.rstrip(" .:") for word in words("signature", "ps")),
        mobile=TemplateIndex(words("mobile", "footers")),
        banners=PhraseIndex(words("banner", "external")),
        banner_tags=frozenset(tag.strip("[]*: ") for tag in words("banner", "tags")),
        sensitivity=frozenset(words("banner", "labels")),
        sensitivity_names=frozenset(words("banner", "label_names")),
        disclaimers=PhraseIndex(words("disclaimer", "phrases")),
        reply_prefixes=_prefixes(languages, "reply"),
        forward_prefixes=_prefixes(languages, "forward"),
        inline_notes=PhraseIndex(words("reply_inline", "notes")),
    )


def _prefixes(languages: Mapping[str, Mapping[str, Any]], kind: str) -> dict[str, frozenset[str]]:
    """Subject prefix -> languages; "VS" answers in Finnish and forwards in Danish."""
    found: dict[str, frozenset[str]] = {}
    for code, language in languages.items():
        for word in language.get("subject", {}).get(kind, ()):
            prefix = fold(word).rstrip(" .:")
            found[prefix] = found.get(prefix, frozenset()) | {code}
    return found


def _with_and_without_dot(word: str) -> set[str]:
    """ "du." is the Hungarian afternoon, "du" a French article: short words keep their dot."""
    return {word, word.rstrip(".")} if len(word) > 3 else {word}


def verb_key(verb: str) -> str:
    """A verb phrase as it is looked up: its words alone."""
    return " ".join(WORD.findall(verb))


def knows(table: Codes, word: str, languages: frozenset[str]) -> bool:
    """Whether one of these languages (any, if there are none) has the word; English is understood everywhere."""
    found = table.get(word)
    return found is not None and (not languages or "en" in found or not found.isdisjoint(languages))


def _by_first_word(phrases: list[str]) -> dict[str, tuple[str, ...]]:
    """First word -> the phrases that begin with it, longest first."""
    found: dict[str, tuple[str, ...]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        first = phrase.split()[0].strip("*")
        found[first] = (*found.get(first, ()), phrase)
    return found


def _small_words(connectives: Codes, openers: Codes) -> dict[str, frozenset[str]]:
    """Words that may stand between date, name and verb: connectives, and the short words of openers ("w dniu")."""
    found: dict[str, frozenset[str]] = {}
    for phrase, codes in connectives.items():
        for word in phrase.split():
            found[word] = found.get(word, frozenset()) | codes
    for phrase, codes in openers.items():
        for word in phrase.split()[1:]:
            if len(word) <= 4:
                found[word] = found.get(word, frozenset()) | codes
    return found


def _auxiliaries(verbs: Codes) -> dict[str, frozenset[str]]:
    """The first words of verbs that may be torn apart: "hat Li geschrieben"."""
    found: dict[str, frozenset[str]] = {}
    for verb, codes in verbs.items():
        first = verb.split()[0]
        if " " in verb and len(first) <= 6:
            found[first] = found.get(first, frozenset()) | codes
    return found


def join_months(text: str, tables: Tables) -> str:
    """Months of two words as one word, so that they can be looked up."""
    return tables.long_months.sub(lambda match: match.group().replace(" ", "_"), text)


def _long_months(languages: Mapping[str, Mapping[str, Any]]) -> re.Pattern[str]:
    words = sorted((word for word in _month_words(languages) if " " in word), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)) or r"(?!)", re.IGNORECASE)


def _month_words(languages: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    months: dict[str, dict[str, int]] = {}
    for code, language in languages.items():
        dates = language.get("dates", {})
        for key in ("months", "months_short", "months_genitive"):
            for number, word in enumerate(dates.get(key, ()), start=1):
                if number <= 12:
                    months.setdefault(fold(word).rstrip("."), {}).setdefault(code, number)
        for entry in dates.get("months_other", ()):
            word, _, number = entry.partition("=")
            if number.isdigit() and 1 <= int(number) <= 12:
                months.setdefault(fold(word).rstrip("."), {}).setdefault(code, int(number))
    return months | {word.replace(" ", "_"): numbers for word, numbers in months.items() if " " in word}


def _label_words(languages: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, frozenset[str]]]:
    labels: dict[str, dict[str, frozenset[str]]] = {}
    for code, language in languages.items():
        for name in LABEL_FIELDS:
            for word in language.get("header", {}).get(name, ()):
                fields = labels.setdefault(fold(word).rstrip(" :."), {})
                fields[name] = fields.get(name, frozenset()) | {code}
    return labels


def _glued_labels(languages: Mapping[str, Mapping[str, Any]]) -> re.Pattern[str]:
    """Labels in the middle of a line, as Yahoo and Samsung write whole header blocks in one line."""
    found = {
        word.rstrip(" :.")
        for language in languages.values()
        for name in ("from", "sent", "to", "cc", "subject")
        for word in language.get("header", {}).get(name, ())[:4]
    }
    joined = "|".join(re.escape(word) for word in sorted(found, key=len, reverse=True))
    return re.compile(rf"({joined})(?:\s{{0,2}}[:：]|(?=\s))" if joined else r"(?!)", re.IGNORECASE)
