"""Writes a letter as HTML in the manner of its writer's mail program."""

import html
import re

from bench.sample import phrases
from bench.sample.letters import HEADER_BLOCK, Letter, attribution, header_fields

LINK = re.compile(r"https?://[\w./?=&%#-]*[\w/]")
WORD_STYLE = (
    "<style><!--\np.MsoNormal, li.MsoNormal {margin:0cm; font-size:11.0pt;"
    " font-family:Calibri,sans-serif;}\n--></style>"
)
GMAIL_QUOTE = "margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"


def write_html(letter: Letter) -> str:
    """The whole text/html body."""
    inner = letter_html(letter, letter.client)
    if letter.client == "outlook":
        return (
            '<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word">\n'
            f'<head>\n<meta name="Generator" content="Microsoft Word 15 (filtered medium)">\n'
            f"<!--[if !mso]><style>v\\:* {{behavior:url(#default#VML);}}</style><![endif]-->{WORD_STYLE}\n</head>\n"
            f'<body lang="{letter.ui.upper()}"><div class="WordSection1">\n{inner}\n</div></body></html>\n'
        )
    if letter.client == "gmail":
        return f'<div dir="ltr">{inner}</div>\n'
    return f"<html><head></head><body>\n{inner}\n</body></html>\n"


def letter_html(letter: Letter, manner: str) -> str:
    """One letter with what stands below it; manner: the client whose paragraphs are used (the newest writer's)."""
    pieces = [paragraphs(letter.banner, manner)] if letter.banner else []
    if letter.blocks:
        pieces.append(interleaved(letter))
        return "\n".join([*pieces, *tail(letter, manner)])
    pieces += [paragraphs(letter.text, manner), *tail(letter, manner)]
    if letter.below is not None:
        quote = quote_below(letter, manner)
        pieces = [quote, *pieces] if letter.client == "plain-bottom" else [*pieces, quote]
    return "\n".join(piece for piece in pieces if piece)


def paragraphs(text: str, manner: str) -> str:
    """Text with empty lines between paragraphs, as the program marks them up."""
    blocks = [linked(block).replace("\n", "<br>\n") for block in re.split(r"\n\n+", text.strip()) if block]
    if manner == "outlook":
        gap = '\n<p class="MsoNormal"><o:p>&nbsp;</o:p></p>\n'
        return gap.join(f'<p class="MsoNormal">{block}<o:p></o:p></p>' for block in blocks)
    if manner in {"thunderbird", "inline"}:
        return "\n".join(f"<p>{block}</p>" for block in blocks)
    if manner in {"owa", "outlook-mobile"}:
        style = 'style="font-family: Aptos, Calibri, sans-serif; font-size: 12pt;"'
        return f"\n<div {style}><br></div>\n".join(f"<div {style}>{block}</div>" for block in blocks)
    return "\n<div><br></div>\n".join(f"<div>{block}</div>" for block in blocks)


def linked(text: str) -> str:
    """Escaped, with web addresses as links."""
    return LINK.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', html.escape(text, quote=False))


def tail(letter: Letter, manner: str) -> list[str]:
    pieces = [break_line(manner), paragraphs(letter.closing, manner)] if letter.closing else []
    if letter.signature:
        pieces.append(signature_html(letter, manner))
    if letter.mobile:
        pieces.append(f'{break_line(manner)}<div id="mobile-footer">{linked(letter.mobile)}</div>')
    if letter.disclaimer:
        grey = '<p style="font-size:8pt;color:#777777">'
        pieces.append(f"{break_line(manner)}{grey}{linked(letter.disclaimer)}</p>")
    return pieces


def break_line(manner: str) -> str:
    return '<p class="MsoNormal"><o:p>&nbsp;</o:p></p>' if manner == "outlook" else "<div><br></div>"


def signature_html(letter: Letter, manner: str) -> str:
    lines = linked(letter.signature).replace("\n", "<br>\n")
    if manner == "gmail" and letter.client == "gmail":
        return (
            '<div><br></div><span class="gmail_signature_prefix">-- </span><br>'
            f'<div dir="ltr" class="gmail_signature" data-smartmail="gmail_signature">{lines}</div>'
        )
    if letter.client in {"thunderbird", "inline"}:
        return f'<div class="moz-signature">-- <br>\n{lines}</div>'
    return f"{break_line(manner)}\n{paragraphs(letter.signature, manner)}"


def interleaved(letter: Letter) -> str:
    """Answers between the quoted paragraphs, as Thunderbird writes them."""
    pieces = [paragraphs(letter.text, "thunderbird")] if letter.text else []
    pieces.append(f'<div class="moz-cite-prefix">{html.escape(attribution(letter))}<br></div>')
    for block in letter.blocks:
        pieces.append(f'<blockquote type="cite">\n{paragraphs(block.quote, "thunderbird")}\n</blockquote>')
        if block.answer:
            pieces.append(paragraphs(block.answer, "thunderbird"))
    return "\n".join(pieces)


def quote_below(letter: Letter, manner: str) -> str:
    """The quote with its attribution or header block."""
    assert letter.below is not None
    inner = letter_html(letter.below, manner)
    if letter.forwards and letter.client in {"gmail", "apple"}:
        return forwarded(letter, inner)
    if letter.client in HEADER_BLOCK:
        return header_quote(letter, inner)
    line = html.escape(attribution(letter), quote=False)
    if letter.client == "yahoo":
        box = "border-left: 1px solid #ccc; padding-left: 8px; margin: 0px 0px 0px 8px;"
        return (
            f'<div id="yahoo_quoted_1" class="yahoo_quoted"><div style="{box}">\n'
            f"<div>{line}</div><div><br></div><div><br></div>\n{inner}\n</div></div>"
        )
    if letter.client in {"apple", "ios"}:
        return f'<div><br><blockquote type="cite"><div>{line}</div><br><div>\n{inner}\n</div></blockquote></div>'
    if letter.client == "gmail":
        return (
            '<br><div class="gmail_quote gmail_quote_container">'
            f'<div dir="ltr" class="gmail_attr">{line}<br></div>'
            f'<blockquote class="gmail_quote" style="{GMAIL_QUOTE}">\n{inner}\n</blockquote></div>'
        )
    return f'<div class="moz-cite-prefix">{line}<br></div>\n<blockquote type="cite">\n{inner}\n</blockquote>'


def header_quote(letter: Letter, inner: str) -> str:
    rows = [(label, html.escape(value, quote=False)) for label, value in header_fields(letter)]
    block = "<br>\n".join(f"<b>{label}</b> {value}" for label, value in rows)
    if letter.client == "outlook":
        return (
            '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
            f'<p class="MsoNormal">{block}<o:p></o:p></p></div>\n{break_line("outlook")}\n{inner}'
        )
    if letter.client == "notes":
        cells = "".join(f'<tr><td style="color:#5F5F5F">{label}</td><td>{value}</td></tr>\n' for label, value in rows)
        return f'<br><table border="0">\n{cells}</table>\n<hr noshade size="2">\n{inner}'
    return (
        '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">\n'
        f'<div id="divRplyFwdMsg" dir="ltr">{block}<div>&nbsp;</div></div>\n{inner}'
    )


def forwarded(letter: Letter, inner: str) -> str:
    head = phrases.FORWARDED[letter.client][letter.ui]
    rows = "<br>\n".join(f"<b>{label}</b> {html.escape(value, quote=False)}" for label, value in header_fields(letter))
    if letter.client == "gmail":
        return (
            f'<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{head}<br>\n{rows}<br></div>'
            f"<br><br>\n{inner}</div>"
        )
    return f'<div><br><blockquote type="cite"><div>{head}</div><br><div>{rows}</div><br>\n{inner}\n</blockquote></div>'
