"""The language files: whole, clean, and strong enough to read what localised mail clients write."""

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harvester.mime import parse_mail
from harvester.records import Part, Role
from harvester.resources import data_folder
from harvester.splitting import split_mail
from harvester.splitting.phrases import fold

FILES = sorted((data_folder() / "languages").glob("*.toml"))
# fmt: off
CODES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sv", "da", "no", "fi", "hu", "ro", "ru", "uk", "tr",
    "el", "zh", "ja", "ko", "ar", "he", "sk", "bg", "hr", "ca", "et", "lv", "lt", "vi", "id", "th", "sl",
)
# fmt: on
SECTIONS = {
    "attribution": {"verbs", "openers", "connectives", "patterns"},
    "header": {"from", "sent", "to", "cc", "bcc", "subject", "reply_to", "importance", "attachments"},
    "separators": {"original", "forwarded", "reply_above"},
    "dates": {"months", "months_short", "months_other", "weekdays", "weekdays_short", "am_pm", "pm", "words"},
    "signature": {"sign_offs", "greetings", "titles", "contact_labels", "company_forms", "ps"},
    "mobile": {"footers"},
    "banner": {"external", "tags", "labels", "label_names"},
    "disclaimer": {"phrases"},
    "subject": {"reply", "forward"},
    "out_of_office": {"subject", "phrases", "hints", "return_words"},
    "note": {"heard"},
    "reply_inline": {"notes"},
}
MAY_BE_EMPTY = {"tags", "labels", "label_names"}
PLACEHOLDER = re.compile(r"\{(\w*)\}")
# What a client of this language writes above a quote, and the moment it means.
CLIENT_LINES = {
    "en": ("On Thu, Nov 5, 2026 at 10:15 AM {who} wrote:", "Sent from my iPhone"),
    "de": ("Am Do., 5. Nov. 2026 um 10:15 Uhr schrieb {who}:", "Von meinem iPhone gesendet"),
    "fr": ("Le jeu. 5 nov. 2026 à 10:15, {who} a écrit :", "Envoyé de mon iPhone"),
    "es": ("El jue, 5 nov 2026 a las 10:15, {who} escribió:", "Enviado desde mi iPhone"),
    "it": ("Il giorno gio 5 nov 2026 alle ore 10:15 {who} ha scritto:", "Inviato da iPhone"),
    "pt": ("Em qui., 5 de nov. de 2026 às 10:15, {who} escreveu:", "Enviado do meu iPhone"),
    "nl": ("Op do 5 nov 2026 om 10:15 schreef {who}:", "Verstuurd vanaf mijn iPhone"),
    "pl": ("czw., 5 lis 2026 o 10:15 {who} napisał(a):", "Wysłane z iPhone'a"),
    "cs": ("čt 5. 11. 2026 v 10:15 odesílatel {who} napsal:", "Odesláno z iPhonu"),
    "sk": ("št 5. 11. 2026 o 10:15 {who} napísal(a):", "Odoslané z iPhonu"),
    "sv": ("Den tors 5 nov. 2026 kl 10:15 skrev {who}:", "Skickat från min iPhone"),
    "da": ("Den tors. 5. nov. 2026 kl. 10.15 skrev {who}:", "Sendt fra min iPhone"),
    "no": ("tor. 5. nov. 2026 kl. 10:15 skrev {who}:", "Sendt fra min iPhone"),
    "fi": ("to 5. marrask. 2026 klo 10.15 {who} kirjoitti:", "Lähetetty iPhonesta"),
    "hu": ("{who} ezt írta (időpont: 2026. nov. 5., Cs, 10:15):", "iPhone-omról küldve"),
    "ro": ("În joi, 5 nov. 2026 la 10:15, {who} a scris:", "Trimis de pe iPhone-ul meu"),
    "ru": ("чт, 5 нояб. 2026 г. в 10:15, {who}:", "Отправлено с iPhone"),
    "uk": ("чт, 5 лист. 2026 р. о 10:15 {who} пише:", "Надіслано з iPhone"),
    "bg": ("На чт, 5.11.2026 г. в 10:15 {who} написа:", "Изпратено от моя iPhone"),
    "hr": ("Dana čet, 5. stu 2026. u 10:15 {who} napisao je:", "Poslano s mog iPhonea"),
    "sl": ("V čet., 5. nov. 2026 ob 10:15 je oseba {who} napisala:", "Poslano z mojega iPhona"),
    "ca": ("Missatge de {who} del dia dj., 5 de nov. 2026 a les 10:15:", "Enviat des del meu iPhone"),
    "tr": ("{who}, 5 Kas 2026 Per, 10:15 tarihinde şunu yazdı:", "iPhone'umdan gönderildi"),
    "el": ("Στις Πέμ 5 Νοε 2026 στις 10:15 π.μ., ο χρήστης {who} έγραψε:", "Στάλθηκε από το iPhone μου"),
    "et": ("Kuupäev N, 5. november 2026 kell 10:15 kirjutas {who}:", "Saadetud minu iPhone'ist"),
    "lv": ("ceturtd., 2026. g. 5. nov., plkst. 10:15 — lietotājs {who} rakstīja:", "Sūtīts no mana iPhone"),
    "lt": ("2026-11-05, kt, 10:15 {who} rašė:", "Išsiųsta iš mano iPhone"),
    "vi": ("Vào 10:15, Th 5, 5 thg 11, 2026 {who} đã viết:", "Đã gửi từ iPhone của tôi"),
    "id": ("Pada tanggal Kam, 5 Nov 2026 pukul 10.15 {who} menulis:", "Dikirim dari iPhone saya"),
    "th": ("ในวันที่ พฤ. 5 พ.ย. 2026 เวลา 10:15 {who} เขียนว่า:", "ส่งจาก iPhone ของฉัน"),
    "zh": ("{who} 于2026年11月5日周四 10:15写道：", "发自我的iPhone"),
    "ja": ("2026年11月5日(木) 10:15 {who}:", "iPhoneから送信"),
    "ko": ("2026년 11월 5일 (목) 오전 10:15, {who}님이 작성:", "나의 iPhone에서 보냄"),
    "ar": ("في الخميس، 5 نوفمبر 2026 في 10:15 ص تمت كتابة ما يلي بواسطة {who}:", "أُرسلت من الـ iPhone"),
    "he": ("בתאריך יום ה׳, 5 בנוב׳ 2026 ב-10:15 מאת {who}:", "נשלח מה-iPhone שלי"),
}
DATES = {"zh": "2026年11月5日 10:15", "ja": "2026年11月5日 10:15", "ko": "2026년 11월 5일 10:15"}
HEADER_FIELDS = ("from", "sent", "to", "subject")


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def lists(language: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [
        (section, key, values)
        for section, table in language.items()
        if isinstance(table, dict)
        for key, values in table.items()
    ]


def split_reply(body: str) -> tuple[Part, ...]:
    head = (
        "From: Ana Berg <ana@acme.example>\r\nTo: Lena Kraft <lena@globex.example>\r\nSubject: Re: x\r\n"
        "Date: Fri, 06 Nov 2026 09:00:00 +0000\r\nMessage-ID: <a@acme.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return split_mail(parse_mail((head + body).encode()))


def test_every_promised_language_is_there() -> None:
    assert sorted(CODES) == [path.stem for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestFile:
    def test_has_the_same_sections_as_all_others(self, path: Path) -> None:
        language = read(path)
        assert language.pop("code") == path.stem
        assert language.pop("name").strip()
        assert {section: set(table) for section, table in language.items()} == SECTIONS

    def test_holds_clean_strings_only(self, path: Path) -> None:
        for section, key, values in lists(read(path)):
            assert values or key in MAY_BE_EMPTY, f"[{section}] {key} is empty"
            for value in values:
                assert isinstance(value, str)
                assert value == " ".join(value.split()), f"[{section}] {key}: {value!r}"
                assert value, f"[{section}] {key}: empty string"

    def test_says_nothing_twice_whatever_the_case(self, path: Path) -> None:
        for section, key, values in lists(read(path)):
            if key in ("months", "months_short"):
                continue
            folded = [value.lower() for value in values]
            assert len(set(folded)) == len(folded), f"[{section}] {key}: {_twice(folded)}"

    def test_gives_every_label_one_meaning(self, path: Path) -> None:
        language = read(path)
        for section in ("header", "subject"):
            labels = [fold(value) for key in sorted(SECTIONS[section]) for value in language[section][key]]
            assert all(":" not in label for label in labels)
            meanings: dict[str, set[str]] = {}
            for key in SECTIONS[section]:
                for value in language[section][key]:
                    meanings.setdefault(fold(value), set()).add(key)
            assert [label for label, keys in meanings.items() if len(keys) > 1] == []

    def test_names_twelve_months(self, path: Path) -> None:
        dates = read(path)["dates"]
        assert len(dates["months"]) == len(dates["months_short"]) == 12
        for entry in dates["months_other"]:
            word, _, number = entry.rpartition("=")
            assert word
            assert 1 <= int(number) <= 12

    def test_uses_known_placeholders_only(self, path: Path) -> None:
        language = read(path)
        for pattern in language["attribution"]["patterns"]:
            names = PLACEHOLDER.findall(pattern)
            assert set(names) <= {"date", "name", "address"}, pattern
            assert {"name", "address"} & set(names) or "date" in names, pattern
        for footer in language["mobile"]["footers"]:
            assert set(PLACEHOLDER.findall(footer)) <= {"device", "app"}, footer
        for section, key, values in lists(language):
            if key not in ("patterns", "footers"):
                assert not any("{" in value for value in values), f"[{section}] {key}"

    def test_warns_with_more_than_one_word(self, path: Path) -> None:
        """A banner is looked for inside the first sentence; a single word there is an ordinary word."""
        for phrase in read(path)["banner"]["external"]:
            assert len(re.findall(r"\w+", phrase)) > 1 or len(phrase) > 5, phrase


def _twice(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


@pytest.mark.parametrize("code", CODES)
def test_gmail_attribution_names_author_and_moment(code: str) -> None:
    line = CLIENT_LINES[code][0].format(who="Lena Kraft <lena@globex.example>")
    parts = split_reply(f"Yes.\r\n\r\n{line}\r\n\r\n> What does it cost?\r\n")
    quoted = [part for part in parts if part.role is Role.QUOTED]
    assert [part.text for part in quoted] == ["What does it cost?"]
    assert quoted[0].author == "lena@globex.example"
    assert quoted[0].author_name == "Lena Kraft"
    assert quoted[0].sent_at is not None
    assert quoted[0].sent_at.replace(tzinfo=None) == datetime(2026, 11, 5, 10, 15)  # noqa: DTZ001 - quotes name no zone


@pytest.mark.parametrize("code", CODES)
def test_every_form_of_attribution_is_read(code: str) -> None:
    unread = []
    for pattern in read(data_folder() / "languages" / f"{code}.toml")["attribution"]["patterns"]:
        if any(pattern.count(place) > 1 for place in ("{date}", "{name}")):
            continue
        date = DATES.get(code, "05.11.2026 10:15")
        line = pattern.format(date=date, name="Lena Kraft", address="lena@globex.example")
        parts = split_reply(f"Yes.\r\n\r\n{line}\r\n\r\n> What does it cost?\r\n")
        quoted = [part for part in parts if part.role is Role.QUOTED]
        if [part.text for part in quoted] != ["What does it cost?"] or (
            "{address}" in pattern and quoted[0].author != "lena@globex.example"
        ):
            unread.append(line)
        elif "{name}" in pattern and "{address}" in pattern and quoted[0].author_name != "Lena Kraft":
            unread.append(f"{line} -> {quoted[0].author_name}")
    assert unread == []


@pytest.mark.parametrize("code", CODES)
def test_upper_case_attribution_is_read_too(code: str) -> None:
    line = CLIENT_LINES[code][0].upper().format(WHO="LENA KRAFT <lena@globex.example>")
    parts = split_reply(f"Yes.\r\n\r\n{line}\r\n\r\n> What does it cost?\r\n")
    assert [part.author for part in parts if part.role is Role.QUOTED] == ["lena@globex.example"]


@pytest.mark.parametrize("code", CODES)
def test_mobile_footer_is_a_notice(code: str) -> None:
    footer = CLIENT_LINES[code][1]
    parts = split_reply(f"Hello Lena, it costs ten euros a month.\r\n\r\n{footer}\r\n")
    assert [(part.label, part.text) for part in parts if part.role is Role.NOTICE] == [("mobile", footer)]


@pytest.mark.parametrize("code", CODES)
def test_outlook_header_block_introduces_the_quote(code: str) -> None:
    header = read(data_folder() / "languages" / f"{code}.toml")["header"]
    values = ("Lena Kraft <lena@globex.example>", "2026-11-05 10:15", "Ana Berg <ana@acme.example>", "Price")
    labels = [header[key][0] for key in HEADER_FIELDS]
    block = "\r\n".join(f"{label}: {value}" for label, value in zip(labels, values, strict=True))
    parts = split_reply(f"Yes.\r\n\r\n{block}\r\n\r\nWhat does it cost?\r\n")
    assert [(part.author, part.text) for part in parts if part.role is Role.QUOTED] == [
        ("lena@globex.example", "What does it cost?")
    ]


@pytest.mark.parametrize("code", CODES)
def test_forward_marker_hands_on_a_mail(code: str) -> None:
    language = read(data_folder() / "languages" / f"{code}.toml")
    labels = [language["header"][key][0] for key in HEADER_FIELDS]
    values = ("Lena Kraft <lena@globex.example>", "2026-11-05 10:15", "Ana Berg <ana@acme.example>", "Price")
    block = "\r\n".join(f"{label}: {value}" for label, value in zip(labels, values, strict=True))
    marker = language["separators"]["forwarded"][0]
    parts = split_reply(f"Please see.\r\n\r\n---------- {marker} ---------\r\n{block}\r\n\r\nWhat does it cost?\r\n")
    assert [(part.author, part.text) for part in parts if part.role is Role.FORWARDED] == [
        ("lena@globex.example", "What does it cost?")
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "Our external auditor wants to know the price.",
        "Der Vorstand will bis Freitag wissen, was es kostet.",
        "Wie läuft die Verarbeitung personenbezogener Daten bei Ihnen?",
        "Where is your registered office and who is liable for delays?",
        "Quelle est votre politique de protection des données ?",
        "¿Cómo tratan la protección de datos de carácter personal?",
        "Jak wygląda u Państwa przetwarzanie danych osobowych?",
        "来自德国的客户问能不能便宜一点？",
        "Not sure whether it works with our warehouse system.",
    ],
)
def test_ordinary_sentence_is_never_taken_for_a_frame(sentence: str) -> None:
    parts = split_reply(f"{sentence}\r\n")
    assert [(part.role, part.text) for part in parts] == [(Role.OWN, sentence)]
