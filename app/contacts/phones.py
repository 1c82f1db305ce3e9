"""Phone numbers as they are stored: E.164. The only place that reads a number from text."""

import re

import phonenumbers

_ALLOWED = re.compile(r"[\d\s().+\-–/]*(?:\s*(?:x|ext\.?|#)\s*\d{1,6})?", re.IGNORECASE)

# No number is longer; a cell of megabytes is refused before a pattern tries every way to read it.
_LONGEST = 40


def normalize_phone(raw: str) -> str | None:
    """E.164 for a number somebody could have, else None.

    A number without a country is read as US. Nothing is invented: seven digits stay
    invalid (v1 put 555 before them), letters are no digits, and an extension is left off.
    """
    text = raw.strip()
    if not text or len(text) > _LONGEST or not _ALLOWED.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    digits = str(number.national_number)
    if "+" not in text and not _is_american(text):
        return None
    if not phonenumbers.is_valid_number(number) or len(set(digits)) == 1:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_american(text: str) -> bool:
    """Ten digits, or eleven that begin with 1; the library would also make sense of others."""
    said = re.sub(r"\D", "", re.split(r"[x#e]", text, maxsplit=1, flags=re.IGNORECASE)[0])
    return len(said) == 10 or (len(said) == 11 and said[0] == "1")
