"""Segments against a count of another kind, and area codes against the library they come from."""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest

from devstack.area_codes import zones_by_area_code

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "\f^{}\\[~]|€"
WIDE = "жçя`’😀🏠"


def counted(text: str) -> tuple[str, int, int]:
    """As a phone would cut it: units laid in a row, a border moved where it would split a pair."""
    if set(text) <= set(BASIC + EXTENDED):
        # An extension character is an escape and a septet; a border may not follow the escape.
        row = [unit for char in text for unit in (["esc", char] if char in EXTENDED else [char])]
        name, whole, part, opens = "GSM-7", 160, 153, {"esc"}
    else:
        raw = text.encode("utf-16-be")
        row = [raw[at : at + 2].hex() for at in range(0, len(raw), 2)]
        name, whole, part = "UCS-2", 70, 67
        opens = {unit for unit in row if "d800" <= unit <= "dbff"}
    if len(row) <= whole:
        return name, len(row), min(1, len(row))
    cuts, at = 0, 0
    while at < len(row):
        end = min(at + part, len(row))
        at = end - 1 if end < len(row) and row[end - 1] in opens else end
        cuts += 1
    return name, len(row), cuts


def random_text(draw: random.Random) -> str:
    alphabet = draw.choice([BASIC, BASIC * 3 + EXTENDED, BASIC[:40] + EXTENDED * 5, BASIC + WIDE])
    return "".join(
        draw.choices(alphabet, k=draw.choice([0, 1, 69, 70, 80, 153, 160, 161, 320, 900]))
    )


def test_both_counts_agree(db: psycopg.Connection[Any]) -> None:
    draw = random.Random(142_000)
    texts = [random_text(draw) for _ in range(400)]
    rows = db.execute(
        "select s.encoding, s.units, s.segments from unnest(%s::text[]) with ordinality t (text, n)"
        ", private.count_segments(t.text) s order by n",
        (texts,),
    ).fetchall()
    assert rows == [counted(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 152 + "€" + "a" * 152, ("GSM-7", 306, 3)),
        ("ж" * 66 + "😀" + "ж" * 66, ("UCS-2", 134, 3)),
        ("€" * 80, ("GSM-7", 160, 1)),
    ],
)
def test_the_other_count_is_right(text: str, expected: tuple[str, int, int]) -> None:
    assert counted(text) == expected


def test_area_codes_are_those_of_the_library(db: psycopg.Connection[Any]) -> None:
    rows = db.execute("select area_code, zones from private.area_codes order by 1").fetchall()
    assert dict(rows) == zones_by_area_code()
