"""How elements of HTML behave, and what marks mail clients leave around quotes and signatures. Knows no language."""

import re

SKIPPED = frozenset((
    "head", "script", "style", "title", "template", "object", "iframe", "svg", "math", "xml", "noframes",
))  # fmt: skip
BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dir", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "html", "li",
    "main", "menu", "nav", "ol", "p", "pre", "section", "signature", "summary", "table", "tbody", "tfoot", "thead",
    "tr", "ul",
))  # fmt: skip
SPACED = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "pre"))
# Prefixes that web mailers put before the classes and ids of mail they show (x_, ydp1234, yiv999) do not matter.
QUOTE_MARKS = re.compile(
    r"(?:^|[\s_]|ydp[0-9a-f]{1,12}|yiv\d{1,14})(?:gmail_quote(?:_container)?|gmail_extra|yahoo_quoted|moz-forward-container|"
    r"protonmail_quote|tutanota_quote|zmail_extra|missive_quote|mailspring-quote|nylas-quote|hs_reply|front-blockquote|"
    r"mail-quote-collapse|mail_quote|cloudmagic-quoted|quoted-text|ms-outlook-mobile-reference-message|hmquote|"
    r"freemail_quote|aolReplacedBody|aol_quoted|wm_quote|WordSection_quote|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container)(?:$|[\s_-])",
)
SIGNATURE_MARKS = re.compile(
    r"(?:^|[\s_]|ydp[0-9a-f]{1,12}|yiv\d{1,14})(?:gmail_signature(?:_prefix)?|moz-signature|AppleMailSignature|Signature|"
    r"ms-outlook-mobile-signature|protonmail_signature_block(?:-user|-proton)?|zmail_signature|signature|signature-text|"
    r"mail-signature|hs_signature|front-signature|missive_signature|tutanota-signature|mailSignature|ydp_signature|"
    r"OutlookSignature|composer_signature|yahoo_signature|mcntmcntsignature)(?:$|[\s_])",
)
ATTRIBUTION_MARKS = re.compile(
    r"(?:^|[\s_])(?:gmail_attr|moz-cite-prefix|reply-intro|cite-prefix|hs_attribution)(?:$|[\s_])"
)
HEADER_MARKS = re.compile(r"(?:^|_)divRplyFwdMsg$")
HIDDEN = re.compile(
    r"display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden|mso-hide\s{0,3}:\s{0,3}all|"
    r"font-size\s{0,3}:\s{0,3}0(?:px|pt|em)?\s{0,3}(?:;|!|$)|max-height\s{0,3}:\s{0,3}0(?:px)?\s{0,3}(?:;|!|$)|opacity\s{0,3}:\s{0,3}0\s{0,3}(?:;|!|$)",
    re.IGNORECASE,
)
COLOR = re.compile(r"(?:^|[;\s])color\s{0,3}:\s{0,3}([#\w]{3,20}(?:\([\d\s,.%]{1,30}\))?)", re.IGNORECASE)
INDENT = re.compile(r"border(?:-left)?\s{0,3}:\s{0,3}(?:none|0|medium none)", re.IGNORECASE)
LEFT_BORDER = re.compile(r"border-left\s{0,3}:(?![^;]{0,20}\bnone)[^;]{0,40}\b(?:solid|[1-9])", re.IGNORECASE)
# Outlook's line above the headers of the answered mail.
TOP_BORDER = re.compile(r"border-top\s{0,3}:\s{0,3}(?:solid|1px|1\.0pt|#)", re.IGNORECASE)
NO_MARGIN = re.compile(r"margin(?:-top|-bottom)?\s{0,3}:\s{0,3}0", re.IGNORECASE)


def is_indentation(attributes: dict[str, str | None], style: str) -> bool:
    """Gmail's indent button makes blockquotes without border; they hold the sender's own words."""
    return (
        "cite" not in attributes
        and attributes.get("type") != "cite"
        and "quote" not in (attributes.get("class") or "")
        and INDENT.search(style) is not None
        and not LEFT_BORDER.search(style)
    )
