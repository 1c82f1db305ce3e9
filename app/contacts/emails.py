"""E-mail addresses as they are stored: lower case, one @, no spaces."""

import re

_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(?:\.[^@\s,;<>\".]+)+")


def normalize_email(raw: str) -> str | None:
    """The address in lower case, or None when the text is not one address."""
    text = raw.strip().lower()
    return text if len(text) <= 320 and _ADDRESS.fullmatch(text) else None
