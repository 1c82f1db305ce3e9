"""Small made-up files full of coincidences, and the things people do between two imports.

The same seed gives the same file. Numbers begin with a stem of their own for each location, since
an opt-out counts everywhere; the end state is compared without it.
"""

from __future__ import annotations

import random
from typing import Any

from app.contacts import parse_name

Row = dict[str, Any]
Step = tuple[str, dict[str, Any]]

# The second of a pair is compared as the first but read otherwise.
NAMES = (
    "ANNA KURTE", "KURTE,ANNA", "Anna  Kurte", "BERT KURTE", "CARL WEBSTER", "DORA WEBSTER",
    "WEBSTER & SON", "WEBSTER SON", "MARY-ANN", "MARY ANN", "OAK STREET TRUST", "KURTE",
)  # fmt: skip
ADDRESSES = ("1 OAK ST", "1 Oak Street", "2 ELM RD", "2 ELM RD", "3 HILL CT", "4 ASH LN")
CITIES = ("WESTCLIFF", "WESTCLIFF", "Westcliff", "FAIRPOND", None)
ZIPS = ("02721", "02721", "02721", "02728", None)
EMAILS = tuple(f"{letter}@example.com" for letter in "abcde")
EXTRAS: dict[str, tuple[Any, ...]] = {
    "est_value": (500_000, 510_000.5, 520_000),
    "est_equity_amount": (-20_000, 100),
    "est_equity_percent": (-4, 12.25),
    "listing_status": ("Active", "Sold"),
    "listed_for_sale": (True, False),
    "high_equity": (True, False),
    "year_built": (1950, 1960),
    "square_feet": (1500, 1700),
    "bathrooms": (1.5, 2),
    "lat": (42.192189, 42.2),
    "purchase_date": ("2002-12-03", "2012-01-31"),
    "owner_name": ("KURTE,ANNA & BERT", "WEBSTER TRUST"),
    "state": ("MA", "NH"),
    "zip4": ("1234", "5678"),
    "metadata": ({"Roof": "Slate"}, {"Roof": "Tile", "Pool": "yes"}, {"Cellar": "wet"}),
}


def number(stem: str, index: int) -> str:
    return f"+1{stem}{index:02d}"


def make_rows(seed: int, stem: str) -> list[Row]:
    """20 to 40 rows of the shape app.imports.propertyradar gives, first row_no 2."""
    rng = random.Random(seed)
    crowd = rng.choice((3, 6, 12))
    return [_row(rng, row_no, stem, crowd) for row_no in range(2, 2 + rng.randint(20, 40))]


def _row(rng: random.Random, row_no: int, stem: str, crowd: int) -> Row:
    house = _house(rng, crowd)
    people = [
        person
        for slot, odds in (("primary", 0.9), ("secondary", 0.6))
        if rng.random() < odds and (person := _person(rng, slot, stem, crowd))
    ]
    row: Row = {"row_no": row_no, "property": house, "people": people, "cells": [str(row_no)]}
    if "apn" not in house and "address" not in house:
        row["reject"] = {"code": "no_place", "message": "The row has no place."}
        row["warnings"] = []
    elif rng.random() < 0.1:
        row["warnings"] = [{"column": "Beds", "code": "bad_cell", "message": "no", "value": "x"}]
    return row


def _house(rng: random.Random, crowd: int) -> Row:
    found: Row = {}
    if rng.random() < 0.6:
        found["apn"] = f"A-{rng.randrange(crowd)}"
    if rng.random() < 0.85:
        found["address"] = rng.choice(ADDRESSES[: 2 + crowd // 3])
    for column, choices in (("city", CITIES), ("zip", ZIPS)):
        if value := rng.choice(choices):
            found[column] = value
    for column, choices in EXTRAS.items():
        if rng.random() < 0.25:
            found[column] = rng.choice(choices)
    return found


def _person(rng: random.Random, slot: str, stem: str, crowd: int) -> Row:
    person: Row = {}
    if rng.random() < 0.6:
        person.update(phone=number(stem, rng.randrange(crowd)), phone_status="Active")
    if rng.random() < 0.4:
        email = rng.choice(EMAILS)
        person.update(email=email, email_status="Active", email_hash=email[0] * 64)
    name = parse_name(rng.choice(NAMES)) if rng.random() < 0.8 else None
    if name:
        person |= {"display_name": name.display_name, "first_name": name.first_name}
        person |= {"last_name": name.last_name, "is_entity": name.is_entity or None}
    found = {key: value for key, value in person.items() if value is not None}
    return {"slot": slot, **found} if found else {}


_HIS = "(select contact_id from contact_phones where phone = %(phone)s)"
_THERE = "location_id = %(location)s and apn = %(apn)s"
# What an owner does by hand: statements that find their rows by natural keys.
_BY_HAND = (
    f"update contacts set first_name = 'Annie' where not is_entity and id in {_HIS}",
    f"update contacts set display_name = 'Someone else', last_name = 'Else' where id in {_HIS}",
    f"update contacts set email = null where id in {_HIS}",
    f"update contacts set email = 'typed@example.com' where id in {_HIS}",
    f"update contacts set aliases = '{{}}' where id in {_HIS}",
    f"update contacts set deleted_at = now() where id in {_HIS}",
    "update contacts set deleted_at = now() where location_id = %(location)s and phone is null"
    " and name_key = 'ANNA KURTE'",
    "delete from contact_phones where phone = %(phone)s",
    "insert into contact_phones (location_id, contact_id, phone)"
    " select location_id, contact_id, %(other)s from contact_phones where phone = %(phone)s"
    " and not exists (select 1 from contact_phones where phone = %(other)s)",
    f"update properties set est_value = 640000, year_built = null where {_THERE}",
    f"update properties set address = '9 Pine St', city = 'Fairpond' where {_THERE}",
    f"update properties set address = '1 Oak St' where {_THERE}",
    "insert into properties (location_id, address, city) values (%(location)s, '7 Bay Rd', 'X')"
    " on conflict do nothing",
    f"update property_contacts set end_date = '2026-01-01' where contact_id in {_HIS}",
    f"update list_members set status = 'removed' where contact_id in {_HIS}",
    "insert into opt_outs (location_id, phone) select %(location)s, %(phone)s"
    " where not exists (select 1 from opt_outs where phone = %(phone)s)",
    "insert into contact_flags (location_id, contact_id, flag)"
    " select location_id, contact_id, 'wrong_number' from contact_phones where phone = %(phone)s",
    "insert into contact_flags (location_id, phone, flag)"
    " values (%(location)s, %(phone)s, 'do_not_contact')",
)


def make_edits(seed: int, stem: str, location: str) -> list[Step]:
    """Up to 12 statements with their values, to be run as an owner of the location."""
    rng = random.Random(seed)
    return [
        (
            rng.choice(_BY_HAND),
            {
                "location": location,
                "phone": number(stem, rng.randrange(6)),
                "other": number(stem, rng.randrange(20, 24)),
                "apn": f"A-{rng.randrange(3)}",
            },
        )
        for _ in range(rng.randrange(13))
    ]
