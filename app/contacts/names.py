"""Names as property lists spell them (upper case, FIRST LAST or LAST,FIRST) → names to greet by."""

import re
import unicodedata
from dataclasses import dataclass

_ENTITY_WORDS = frozenset(
    (
        "TRUST TRUSTS TRUSTEE TRUSTEES TR TRS LLC LLP LP INC CORP CORPORATION COMPANY CO LTD "
        "ESTATE REALTY PROPERTIES HOLDINGS HOLDING INVESTMENTS GROUP PARTNERS PARTNERSHIP "
        "ASSOCIATES ASSOCIATION ASSOC ASSN BANK CHURCH FOUNDATION MINISTRIES TOWN CITY "
        "COMMONWEALTH AUTHORITY HOUSING CONDOMINIUM CONDO HOA FAMILY REVOCABLE IRREVOCABLE "
        "LIVING NOMINEE ENTERPRISES MANAGEMENT DEVELOPMENT CONSTRUCTION"
    ).split()
)
_SUFFIXES = {
    "JR": "Jr",
    "SR": "Sr",
    "II": "II",
    "III": "III",
    "IV": "IV",
    "ESQ": "Esq",
    "MD": "MD",
}
_PARTICLES = frozenset("DE DEL DELLA DI DA DOS DU LA LE VAN VON DER DEN TEN TER ST SAN".split())
# Mac names that take a second capital. Others (Mack, Macey, Machado) do not: v1 made it MacHado.
_MAC = frozenset(
    (
        "MACALLISTER MACARTHUR MACAULAY MACBRIDE MACCORMACK MACDONALD MACDONNELL MACDOUGALL "
        "MACEACHERN MACFARLANE MACGREGOR MACINNES MACINNIS MACINTOSH MACINTYRE MACISAAC "
        "MACKAY MACKENZIE MACKINNON MACLAUGHLIN MACLEAN MACLELLAN MACLEOD MACMILLAN MACNAMARA "
        "MACNEIL MACNEILL MACPHEE MACPHERSON MACQUARRIE MACRAE"
    ).split()
)


@dataclass(frozen=True)
class PersonName:
    """`display_name` is the text as it came; an entity (trust, couple) has no first name."""

    display_name: str
    first_name: str | None
    last_name: str | None
    is_entity: bool


def parse_name(raw: str) -> PersonName | None:
    """The name in one cell, or None when the cell holds no letter."""
    display = unicodedata.normalize("NFC", " ".join(raw.split()))
    if not any(character.isalpha() for character in display):
        return None
    if _is_entity(display):
        return PersonName(display, None, None, is_entity=True)
    first, last = _split(display)
    return PersonName(display, _title(first), _title(last), is_entity=False)


def _is_entity(name: str) -> bool:
    # Letters of every alphabet: TRẦN is one word, no TR(ustee) followed by an N.
    words = re.findall(r"(?:[^\W\d_]|')+", name.upper().replace(".", ""))
    return "&" in name or any(c.isdigit() for c in name) or any(w in _ENTITY_WORDS for w in words)


def _split(name: str) -> tuple[str, str]:
    """(first, last); a middle name is left to the display name, a suffix stays with the last."""
    before, _, after = name.partition(",")
    following = after.replace(",", " ").split()
    given = [word for word in following if not _suffix(word)]
    tail = [word for word in following if _suffix(word)]
    if given:
        return given[0], " ".join([*before.split(), *tail])
    words = [*before.split(), *tail]
    end = len(words) - 1 if len(words) > 1 and _suffix(words[-1]) else len(words)
    if end == 1:
        return "", " ".join(words)
    start = end - 1
    while start > 1 and words[start - 1].upper() in _PARTICLES:
        start -= 1
    return words[0], " ".join(words[start:])


def _suffix(word: str) -> str | None:
    return _SUFFIXES.get(word.upper().rstrip("."))


def _title(text: str) -> str | None:
    return " ".join(_suffix(word) or _title_word(word) for word in text.split()) or None


def _title_word(word: str) -> str:
    if "-" in word:
        return "-".join(_title_word(part) for part in word.split("-"))
    if len(word) > 2 and word[0].upper() in "OD" and word[1] in "'’":
        return word[:2].upper() + _title_word(word[2:])
    if word not in (word.upper(), word.lower(), word.capitalize()):
        return word  # DeLuca knows best
    upper = word.upper()
    if upper in _MAC:
        return "Mac" + upper[3:].capitalize()
    if upper.startswith("MC") and len(upper) > 3:
        return "Mc" + upper[2:].capitalize()
    return word.capitalize()
