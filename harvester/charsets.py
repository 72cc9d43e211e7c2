"""Bytes to text, whatever the mail claims about them. Never raises, never leaves control characters behind.

Knows nothing of MIME; the declared name may be missing, wrong, or chosen to do harm.
"""

import codecs
import re
from encodings.aliases import aliases

# Codecs that are no charsets of mail: they un-escape, decode in quadratic time or fabricate surrogates.
NO_CHARSETS = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "unicode_internal"}
    | {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
)
CHARSETS = frozenset(aliases.values()) - NO_CHARSETS

# What senders really mean by a name (the WHATWG encoding standard reads the same supersets).
MEANT = {
    "us_ascii": "cp1252",
    "ascii": "cp1252",
    "ansi": "cp1252",
    "iso8859_1": "cp1252",
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x_gbk": "gb18030",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "euc_kr": "cp949",
    "ks_c_5601_1987": "cp949",
    "big5": "big5hkscs",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso2022_jp": "iso2022_jp_2",
    "x_mac_roman": "mac_roman",
    "x_windows_949": "cp949",
    "unicode_1_1_utf_8": "utf_8",
    "unicode": "utf_16",
    "x_unicode_2_0_utf_8": "utf_8",
}
# Letters that fill a text of each charset; tells apart charsets in which the same bytes are all valid.
FREQUENT = {
    "cp1251": "оеаинтсрвл",
    "koi8_r": "оеаинтсрвл",
    "cp932": "のにはをたがでてとしれさ",
    "cp949": "이다의는에을가고를한기지",
    "gb18030": "的一是不了在有人我这个们中来上为国地到以时要就出会可也你对",
    "big5hkscs": "的一是不了在有人我這個們中來上為國地到以時要就出會可也你對",
    "cp1253": "αοιετσνηυρ",
    "cp1255": "יוהלאתרבמ",
    "cp1256": "اليمونتربةع",
}
ASCII_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
MAX_MENDED = 50_000
LATIN = frozenset({"cp1252", "cp1254", "iso8859_15", "cp1250", "iso8859_2"})
BOMS = ((codecs.BOM_UTF8, "utf_8"), (codecs.BOM_UTF16_LE, "utf_16_le"), (codecs.BOM_UTF16_BE, "utf_16_be"))

_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)}
_BIDI = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0xFEFF), None)
_UNSAFE = _CONTROLS | _BIDI | dict.fromkeys(range(0xD800, 0xE000), "\ufffd") | {0x0C: "\n", 0x2028: "\n", 0x2029: "\n"}
_TAG = re.compile(rb"<[^<>]{0,500}>")
_META = re.compile(rb"(?i)<meta\b[^<>]{0,200}charset\s{0,3}=\s{0,3}[\"']?([a-z0-9_:.-]{1,40})")
_SUSPICIOUS = re.compile(r"[^\t\n -~\xa0-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\U0010ffff]")


def decode_text(data: bytes, declared: str | None) -> tuple[str, str]:
    """The text of a body with newlines as "\\n" and without control or direction characters.

    Returns (text, note); the note says when something other than the declared charset was used, else "".
    """
    text, note = decode_bytes(data, declared)
    return clean_text(text), note


def charset_of_html(data: bytes) -> str | None:
    """What the page's own head says; for parts whose header says nothing."""
    match = _META.search(data[:4_096])
    return match[1].decode("ascii") if match else None


def clean_text(text: str) -> str:
    """Newlines as "\\n"; no control, direction or half characters that could fool a terminal or a reader."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_UNSAFE) if _SUSPICIOUS.search(text) else text


def decode_bytes(data: bytes, declared: str | None) -> tuple[str, str]:
    """Like `decode_text`, but leaves the characters as they are."""
    for bom, marked in BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(marked, "replace"), ""
    if data.isascii() and b"\x1b" not in data and _is_ascii_superset(declared):
        return data.decode("ascii"), ""
    charset = _known_charset(declared)
    if charset is None:
        guessed = _guess_charset(data)
        return _decode_leniently(data, guessed), f"charset {_shown(declared)} read as {guessed}" if declared else ""
    if charset == "utf_7":
        return _decode_utf_7(data)
    if charset in ("utf_16", "utf_32"):
        return _decode_wide(data, charset)
    # Short Chinese words can be valid UTF-8 by chance ("联通" in GBK), longer texts in any other charset never are.
    if charset != "utf_8" and (charset in LATIN or _count_high(data) >= 9) and _is_utf_8(data) and not data.isascii():
        return data.decode("utf-8"), f"charset {_shown(declared)} read as utf_8"
    try:
        return data.decode(charset), ""
    except UnicodeError:
        if charset != "utf_8" and _mostly_utf_8(data[:20_000]):
            return _decode_leniently(data, "utf_8"), f"charset {_shown(declared)} read as utf_8"
        return _decode_leniently(data, charset), f"bytes that are not {charset} were read one by one"


def _known_charset(declared: str | None) -> str | None:
    """The codec for a declared name, or None when there is no such charset (or it is none of mail's)."""
    name = (declared or "").strip().strip("'\"").lower()
    if not re.fullmatch(r"[a-z0-9._:-]{1,40}", name):
        return None
    name = re.sub(r"[^a-z0-9]+", "_", name)
    name = MEANT.get(name, name)
    name = aliases.get(name, name)
    name = MEANT.get(name, name)
    if name == "utf_8_sig":
        name = "utf_8"
    return name if name in CHARSETS else None


def _is_ascii_superset(declared: str | None) -> bool:
    name = (declared or "").lower()
    return not any(mark in name for mark in ("utf-7", "utf7", "16", "32", "2022", "hz", "037", "cp500", "1026", "1140"))


def _count_high(data: bytes) -> int:
    return sum(byte >= 0x80 for byte in data[:20_000])


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode_utf_7(data: bytes) -> tuple[str, str]:
    # UTF-7 can spell "<script>" in harmless looking letters; nobody needs it for that, only for letters beyond ASCII.
    try:
        text = data.decode("utf-7")
    except UnicodeError:
        return _decode_leniently(data, "utf_8"), "charset utf-7 read as utf_8"
    if text.count("<") > data.count(b"<"):
        return _decode_leniently(data, "utf_8"), "charset utf-7 hides markup; read as utf_8"
    return text, ""


def _decode_wide(data: bytes, charset: str) -> tuple[str, str]:
    # Text that says utf-16 but has no NUL byte and no byte order mark is something else with a wrong label.
    if charset == "utf_32" and data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return data.decode("utf_32", "replace"), ""
    if b"\0" not in data:
        return _decode_leniently(data, _guess_charset(data)), f"charset {charset} read as {_guess_charset(data)}"
    if charset == "utf_32":
        return data.decode("utf_32_le" if data[:1] != b"\0" else "utf_32_be", "replace"), ""
    return data.decode("utf_16_le" if data[1::2].count(0) >= data[::2].count(0) else "utf_16_be", "replace"), ""


def _decode_leniently(data: bytes, charset: str) -> str:
    text = data.decode(charset, "replace")
    # Mending costs a call for every wrong byte; what has this many is no text in this charset, and mended no better.
    return text if text.count("\ufffd") > MAX_MENDED else data.decode(charset, "answers.single-bytes")


def _read_as_single_bytes(error: UnicodeError) -> tuple[str, int]:
    # One wrong byte costs one character, read as Windows does, instead of the whole text.
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", "replace").replace("\ufffd", " "), error.end


codecs.register_error("answers.single-bytes", _read_as_single_bytes)


def _guess_charset(data: bytes) -> str:
    """The likeliest charset of undeclared bytes, from the first 20,000 of them."""
    if _is_utf_8(data):
        return "iso2022_jp_2" if b"\x1b$" in data else "utf_8"
    sample = _TAG.sub(b"", data[:20_000])
    if _mostly_utf_8(sample):
        return "utf_8"
    if _count_high(sample) < 1.5 * sum(byte in ASCII_LETTERS for byte in sample):
        return "cp1252"
    texts = {charset: sample.decode(charset, "ignore") for charset in FREQUENT}
    charset = max(texts, key=lambda name: sum(map(texts[name].count, FREQUENT[name])) / (1 + len(texts[name])))
    frequent = sum(map(texts[charset].count, FREQUENT[charset]))
    return charset if frequent > len(texts[charset]) / 20 else "cp1252"


def _mostly_utf_8(sample: bytes) -> bool:
    good = sum(ord(letter) >= 0x80 for letter in sample.decode("utf-8", "ignore"))
    bad = sample.decode("utf-8", "replace").count("\ufffd")
    return good > 2 * bad


def _shown(declared: str | None) -> str:
    return re.sub(r"[^a-zA-Z0-9._:-]", "?", (declared or "")[:40])
