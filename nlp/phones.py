"""Knows the numbering plans of countries where a phone number may be written as bare digits. Pure.

Shapes with a plus, a leading 0, brackets or three groups are told by nlp/redaction.py, which is far quicker and misses
none of the planted ones; the plans alone find 48 to 58 of 60, for invented numbers lie in no range.
"""

from functools import lru_cache

# Their national numbers have no leading 0. Germany, Britain and France have one, and without it their plans take most
# order numbers and bar codes for phone numbers.
REGIONS = ("US", "ES", "PT", "PL")
MOST_LETTERS = 40


@lru_cache(maxsize=10_000)
def is_national_number(text: str) -> bool:
    """ "6125550188", "655 501234": whether the digits are a number of one of these countries."""
    if len(text) > MOST_LETTERS:
        return False
    # Loaded with the first candidate: nearly no sentence holds one.
    import phonenumbers

    for region in REGIONS:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False
