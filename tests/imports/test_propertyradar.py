"""One row of PropertyRadar's export → the shape SQL takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.imports.propertyradar import RowReader, has_people, missing_columns
from tests.imports.full_row import FULL, FULL_HOUSE
from tests.imports.sheets import HEADER, HOUSE_COLUMNS, Row, house


def read(row: Row, header: list[str] = HEADER) -> dict[str, Any]:
    return RowReader(header).read(2, [row.get(name, "") for name in header])


def warned(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(w["column"], w["code"], w["value"]) for w in answer.get("warnings", [])]


def test_a_full_row_fills_every_column() -> None:
    answer = read(FULL)
    assert answer["property"] == FULL_HOUSE
    assert answer["people"] == [
        {
            "slot": "primary",
            "phone": "+16175550123",
            "phone_status": "Active",
            "email": "wade@example.com",
            "email_status": "Active",
            "email_hash": "ab12",
            "display_name": "WADE KURTE",
            "first_name": "Wade",
            "last_name": "Kurte",
        },
        {
            "slot": "secondary",
            "phone": "+16175550124",
            "email": "ritae@example.com",
            "display_name": "RITAE KURTE",
            "first_name": "Ritae",
            "last_name": "Kurte",
        },
    ]
    assert "warnings" not in answer and "reject" not in answer
    assert answer["cells"] == [FULL.get(name, "") for name in HEADER]


def test_the_owner_cell_makes_nobody() -> None:
    """v2 did, and counted people it never stored."""
    assert read(house(owner="KURTE,WADE W & RITAE"))["people"] == []


def test_columns_are_known_by_name_in_any_order_case_and_spacing() -> None:
    reordered = [f"\ufeff {name.upper()}  " for name in reversed(HEADER)]
    cells = [FULL.get(name, "") for name in reversed(HEADER)]
    answer = RowReader(reordered).read(2, cells)
    assert answer["property"] == FULL_HOUSE and len(answer["people"]) == 2


def test_required_columns_are_four() -> None:
    assert missing_columns(["zip", "CITY ", "\ufefftype", "Address"]) == []
    assert missing_columns(["Typ", "Address"]) == ["Type", "City", "ZIP"]
    assert missing_columns([]) == ["Type", "Address", "City", "ZIP"]


def test_people_are_seen_in_either_slot() -> None:
    assert has_people(HEADER) and not has_people(HOUSE_COLUMNS)
    assert has_people([*HOUSE_COLUMNS, "Secondary Mobile Phone1"])
    assert not has_people([*HOUSE_COLUMNS, "Primary Email1"])


def test_unknown_columns_are_kept() -> None:
    header = [*HEADER, "Roof Type", "", "Pool?"]
    answer = read(house(**{"Roof Type": " Slate ", "": "x"}), header)
    assert answer["property"]["metadata"] == {
        "Roof Type": "Slate",
        f"column {len(HEADER) + 2}": "x",
    }


def test_a_header_twice_loses_no_cell() -> None:
    """The first of a known column counts; the others, and unknown ones, each keep their cell."""
    header = ["Type", "Address", "City", "ZIP", "City", "Notes", "Notes", "notes"]
    cells = ["SFR", "1 OAK ST", "WESTCLIFF", "02721", "FAIRPOND", "one", "two", "three"]
    answer = RowReader(header).read(2, cells)
    assert answer["property"]["city"] == "WESTCLIFF"
    assert sorted(answer["property"]["metadata"].values()) == ["FAIRPOND", "one", "three", "two"]


def test_a_short_row_is_read_as_far_as_it_goes() -> None:
    answer = RowReader(HEADER).read(7, ["SFR", "1 OAK ST", "WESTCLIFF"])
    assert answer["row_no"] == 7 and "warnings" not in answer
    assert answer["property"] == {
        "property_type": "SFR",
        "address": "1 OAK ST",
        "city": "WESTCLIFF",
    }


def test_cells_beyond_the_header_are_kept_with_a_warning() -> None:
    answer = RowReader(HEADER).read(2, [*[FULL.get(n, "") for n in HEADER], "", "more", " ", "and"])
    assert answer["property"]["metadata"] == {"extra cells": "more | and"}
    assert warned(answer) == [(f"after {HEADER[-1]}", "extra_cells", "more | and")]


def test_empty_cells_beyond_the_header_are_nothing() -> None:
    answer = RowReader(HEADER).read(2, [*[FULL.get(n, "") for n in HEADER], "", " "])
    assert "warnings" not in answer and "metadata" not in answer["property"]


@pytest.mark.parametrize(
    ("state", "mail_zip", "zip_code", "found"),
    [
        ("MA", "02721", "02721", "MA"),
        ("ri", "02721-1234", "02721", "RI"),
        ("MA", "02721", "02721-1234", "MA"),
        ("MA", "2721", "2721", "MA"),
        ("FL", "33101", "02721", None),
        ("MA", "", "02721", None),
        ("MA", "02721", "", None),
        ("", "02721", "02721", None),
        ("MA", "x", "x", None),
    ],
)
def test_the_state_is_the_owners_where_he_lives_there(
    state: str, mail_zip: str, zip_code: str, found: str | None
) -> None:
    answer = read(house(mail_state=state, mail_zip=mail_zip, zip=zip_code))
    assert answer["property"].get("state") == found
    assert answer["property"].get("mailing_state") == (state or None)


@pytest.mark.parametrize("place", [{"apn": ""}, {"address": ""}])
def test_an_address_or_an_apn_is_enough(place: dict[str, str]) -> None:
    assert "reject" not in read(house(**place))


@pytest.mark.parametrize("apn", ["", "0", "N/A", " "])
@pytest.mark.parametrize("address", ["", " ", "-", ".,", "_", "'"])
def test_a_row_with_neither_is_rejected_with_its_cells(apn: str, address: str) -> None:
    row = house(apn=apn, address=address, name="WADE KURTE")
    answer = read(row)
    assert answer["reject"]["code"] == "no_place"
    assert "neither an address nor an APN" in answer["reject"]["message"]
    assert "WADE KURTE" in answer["cells"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ZIP", "O2721"),
        ("Longitude", "-270"),
        ("Latitude", "north"),
        ("APN", "N/A"),
        ("Yr Built", "1066"),
        ("Purchase Date", "2023-02-29"),
        ("Purchase Mos Since", "1e10"),
        ("Sq Ft", "-5"),
        ("Beds", "2.5"),
        ("Baths", "many"),
        ("Est Value", "99999999999"),
        ("Est Equity $", "1.234,56"),
        ("Owner Occ?", "2"),
        ("Listed for Sale?", "perhaps"),
        ("Foreclosure?", "-"),
        ("Est Equity %", "100000"),
        ("High Equity?", "high"),
        ("Primary Mobile Phone1", "555-0123"),
        ("Primary Email1", "wade(at)example.com"),
        ("Primary Name", "12345"),
        ("Secondary Mobile Phone1", "000-000-0000"),
        ("Secondary Email1", "n/a"),
        ("Secondary Name", "-"),
        ("City", "W" * 3_000),
        ("Primary Name", "WADE " + "W" * 3_000),
    ],
)
def test_a_bad_cell_is_dropped_alone_with_a_warning(column: str, value: str) -> None:
    full, answer = read(FULL), read({**FULL, column: value})
    assert "reject" not in answer
    ((where, code, said),) = warned(answer)
    assert (where, code, said) == (column, "bad_cell", value)
    message = answer["warnings"][0]["message"]
    assert value[:20] in message and "left out" in message and len(message) < 300
    dropped = full["property"].items() - answer["property"].items()
    assert len(dropped) <= 2, "the cell, and the state where it hung on the ZIP"


def test_a_bad_state_is_dropped() -> None:
    answer = read({**FULL, "Mail State": "Mass."})
    assert warned(answer) == [("Mail State", "bad_cell", "Mass.")]
    assert "state" not in answer["property"]


def test_a_person_without_any_good_cell_is_nobody() -> None:
    answer = read(house(name="-", phone="555-0123", email="n/a"))
    assert answer["people"] == [] and len(answer["warnings"]) == 3


@pytest.mark.parametrize(
    "given", [{"phone2": "617-555-0123"}, {"email2": "a@example.com"}, {"name2": "X Y"}]
)
def test_a_secondary_alone_is_a_person(given: dict[str, str]) -> None:
    (person,) = read(house(**given))["people"]
    assert person["slot"] == "secondary"


def test_a_status_without_its_number_says_nothing() -> None:
    (person,) = read(
        house(
            name="WADE KURTE", **{"Primary Mobile 1 Status": "Active", "Primary Email1 Hash": "f0"}
        )
    )["people"]
    assert set(person) == {"slot", "display_name", "first_name", "last_name"}


def test_a_trust_is_marked_as_no_person() -> None:
    (person,) = read(house(name="KURTE FAMILY TRUST", phone="617-555-0123"))["people"]
    assert person["is_entity"] is True and "first_name" not in person


def test_whatever_comes_is_json_that_postgres_takes() -> None:
    """No NUL, no number that JSON cannot say."""
    dirty = {name: f"\x00{value}\x00" for name, value in FULL.items()} | {"Bad\x00": "\x00x\x00"}
    header = [*HEADER, "Bad\x00"]
    answers = [
        read(dirty, header),
        read({name: "\x00" for name in HEADER}),
        read({name: "NaN" for name in HEADER}),
        read({name: "1e308" for name in HEADER}),
    ]
    for answer in answers:
        assert "\\u0000" not in json.dumps(answer, allow_nan=False)


def test_a_cell_of_megabytes_stays_where_it_belongs() -> None:
    long = "long " * 1_000_000
    answer = read(house(**{"Notes": long}), [*HEADER, "Notes"])
    assert answer["property"]["metadata"] == {"Notes": long.strip()}
    assert "warnings" not in answer
