"""How rows find the houses that are there, and what they may change of them (digest §4.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.imports.desk import Desk, Found
from tests.imports.sheets import HEADER, house, sheet, street


def houses(desk: Desk, *rows: dict[str, str], **form: str) -> Found:
    return desk.done(sheet(*rows), **form)


def counts(row: Found, things: str = "properties") -> tuple[int, int, int]:
    """(created, updated, unchanged)"""
    return (row[f"{things}_created"], row[f"{things}_updated"], row[f"{things}_unchanged"])


@pytest.mark.parametrize("duplicates", ["merge", "replace"])
def test_valuation_and_market_are_refreshed(desk: Desk, duplicates: str) -> None:
    old = {"Est Equity %": "50", "High Equity?": "1", "Listed for Sale?": "1", "Foreclosure?": "0"}
    new = {"Est Equity %": "-5", "High Equity?": "0", "Listed for Sale?": "0", "Foreclosure?": "1"}
    houses(desk, house(value="500000", equity="250000", listing="Active", **old))
    row = houses(
        desk,
        house(value="510000", equity="-25500", listing="Sold", **new),
        duplicates=duplicates,
    )
    assert counts(row) == (0, 1, 0)
    (found,) = desk.all("properties")
    assert (found["est_value"], found["est_equity_amount"]) == (510_000, -25_500)
    assert (found["est_equity_percent"], found["high_equity"]) == (-5, False)
    assert (found["listed_for_sale"], found["foreclosure"]) == (False, True)
    assert found["listing_status"] == "Sold"
    (outcome,) = desk.sql("select * from import_rows where import_id = %s", row["id"])
    assert outcome["outcome"] == "updated"
    assert outcome["changes"]["est_equity_amount"] == [250_000, -25_500]


def test_merge_keeps_what_is_known_and_fills_blanks(desk: Desk) -> None:
    houses(desk, house(built="1960", sqft="", baths=""))
    row = houses(desk, house(built="1999", sqft="1500", baths="2.5", type="SFR"))
    assert counts(row) == (0, 1, 0)
    (found,) = desk.all("properties")
    assert (found["year_built"], found["square_feet"]) == (1960, 1500)
    assert (found["bathrooms"], found["property_type"]) == (Decimal("2.5"), "SFR")


def test_replace_writes_all_the_file_says_and_blanks_nothing(desk: Desk) -> None:
    houses(desk, house(built="1960", sqft="1500", owner="OLD,OWNER"))
    houses(desk, house(built="1999", sqft="", owner="NEW,OWNER"), duplicates="replace")
    (found,) = desk.all("properties")
    assert (found["year_built"], found["square_feet"]) == (1999, 1500)
    assert found["owner_name"] == "NEW,OWNER"


def test_skip_leaves_what_is_there_and_takes_what_is_new(desk: Desk) -> None:
    houses(desk, house(value="500000"))
    row = houses(
        desk,
        house(value="999999", sqft="1500"),
        house(apn="A-2", address="2 OAK ST"),
        duplicates="skip",
    )
    assert counts(row) == (1, 0, 1)
    assert [(h["est_value"], h["square_feet"]) for h in desk.all("properties", "apn")] == [
        (500_000, None),
        (None, None),
    ]
    outcomes = desk.sql(
        "select outcome from import_rows where import_id = %s order by row_no", row["id"]
    )
    assert [o["outcome"] for o in outcomes] == ["skipped", "created"]


@pytest.mark.parametrize("duplicates", ["merge", "replace", "skip"])
def test_what_a_person_typed_is_never_overwritten(desk: Desk, duplicates: str) -> None:
    houses(desk, house(value="500000", built="1960", sqft="1500"))
    (found,) = desk.all("properties")
    edit = {"est_value": 640_000, "year_built": 1961, "square_feet": None, "notes": "wet cellar"}
    desk.write("PATCH", f"properties?id=eq.{found['id']}", edit)
    new = house(value="510000", built="1970", sqft="1700", equity="1000")
    houses(desk, new, duplicates=duplicates)
    (after,) = desk.all("properties")
    assert {name: after[name] for name in edit} == edit
    assert after["est_equity_amount"] == (None if duplicates == "skip" else 1_000)


def test_a_house_typed_in_by_hand_is_completed_not_changed(desk: Desk) -> None:
    typed = {
        "location_id": desk.location.id,
        "address": "1 Oak Street",
        "city": "Westcliff",
        "zip": "02721",
        "year_built": 1962,
    }
    desk.write("POST", "properties", typed)
    row = houses(desk, house(built="1970", sqft="1700", value="510000"))
    assert counts(row) == (0, 1, 0)
    (found,) = desk.all("properties")
    assert (found["address"], found["year_built"], found["apn"]) == ("1 Oak Street", 1962, "A-1")
    assert (found["square_feet"], found["est_value"]) == (1_700, 510_000)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 OAK STREET", "1 Oak St."),
        ("1 N OAK AVENUE", "1 North Oak Ave"),
        ("1 OAK RD APT 4", "1 OAK ROAD #4"),
        ("1 OAK RD UNIT 4", "1 Oak Rd., Suite 4"),
        ("1  O'AK   BOULEVARD", "1 OAK BLVD"),
    ],
)
def test_one_house_is_found_however_its_address_is_spelt(desk: Desk, one: str, other: str) -> None:
    houses(desk, house(apn="", address=one))
    row = houses(desk, house(apn="", address=other, city="west-cliff".replace("-", "")))
    assert counts(row) == (0, 0, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"address": "1 OAK RD UNIT 5"},
        {"address": "1 OAK RD"},
        {"city": "FAIRPOND"},
        {"zip": "02728"},
        {"address": "11 OAK RD UNIT 4"},
    ],
)
def test_another_unit_town_or_zip_is_another_house(desk: Desk, other: dict[str, str]) -> None:
    first = {"apn": "", "address": "1 OAK RD UNIT 4"}
    houses(desk, house(**first))
    assert counts(houses(desk, house(**{**first, **other}))) == (1, 0, 0)


def test_two_parcels_at_one_address_are_two_houses(desk: Desk) -> None:
    both = [house(apn="A-1"), house(apn="A-2")]
    assert counts(houses(desk, *both)) == (2, 0, 0)
    assert counts(houses(desk, *both)) == (0, 0, 2)


@pytest.mark.parametrize("file", ["one", "two"])
def test_a_row_without_apn_is_the_house_at_its_address(desk: Desk, file: str) -> None:
    with_apn, without = house(apn="A-1", built="1960"), house(apn="", sqft="1500")
    if file == "one":
        assert counts(houses(desk, with_apn, without)) == (1, 0, 0)
    else:
        houses(desk, with_apn)
        assert counts(houses(desk, without)) == (0, 1, 0)
    (found,) = desk.all("properties")
    assert (found["apn"], found["year_built"], found["square_feet"]) == ("A-1", 1960, 1500)


@pytest.mark.parametrize("file", ["one", "two"])
def test_a_house_without_apn_gets_the_one_the_file_brings(desk: Desk, file: str) -> None:
    with_apn, without = house(apn="A-1", built="1960"), house(apn="", sqft="1500")
    if file == "one":
        houses(desk, without, with_apn)
    else:
        houses(desk, without)
        assert counts(houses(desk, with_apn)) == (0, 1, 0)
    (found,) = desk.all("properties")
    assert (found["apn"], found["year_built"], found["square_feet"]) == ("A-1", 1960, 1500)


def test_the_second_parcel_at_such_an_address_is_a_house_of_its_own(desk: Desk) -> None:
    houses(desk, house(apn=""))
    assert counts(houses(desk, house(apn="A-1"), house(apn="A-2"))) == (1, 1, 0)
    assert [h["apn"] for h in desk.all("properties", "apn")] == ["A-1", "A-2"]


def test_an_apn_twice_in_one_batch_is_one_house_and_the_later_row_fills_it(desk: Desk) -> None:
    """The first mention is the file's word, or a file could never be unchanged the second time."""
    row = houses(desk, house(value="1"), house(value="2", sqft="1500"), house(value="3"))
    assert counts(row) == (1, 0, 0) and row["processed_rows"] == 3
    (found,) = desk.all("properties")
    assert (found["est_value"], found["square_feet"]) == (1, 1_500)


def test_an_apn_twice_across_batches_is_one_house(desk: Desk) -> None:
    first, last = house(value="1", name="ANNA KURTE"), house(value="2", sqft="1500")
    row = houses(desk, first, *street(230), last)
    batches = desk.sql("select 1 from import_batches where import_id = %s", row["id"])
    assert len(batches) == 3
    assert counts(row) == (231, 0, 0) and row["total_rows"] == 232
    found = desk.one(
        "select * from properties where location_id = %s and apn = 'A-1'", desk.location.id
    )
    assert (found["est_value"], found["square_feet"]) == (1, 1_500)


def test_an_apn_that_moved_keeps_its_address_and_warns(desk: Desk) -> None:
    houses(desk, house(address="1 OAK ST"))
    row = houses(desk, house(address="9 ELM ST", value="5"))
    assert (counts(row), row["warned_rows"]) == ((0, 1, 0), 1)
    assert desk.all("properties")[0]["address"] == "1 OAK ST"
    (line,) = desk.report(row["id"])
    assert "1 OAK ST" in line["warnings"] and line["Address"] == "9 ELM ST"


def test_unknown_columns_are_merged_into_what_is_known(desk: Desk) -> None:
    def with_notes(**notes: str) -> Found:
        header = [*HEADER, *notes]
        return desk.done(sheet(house(**notes), header=header))

    with_notes(Roof="Slate", Pool="yes")
    assert counts(with_notes(Roof="Tile", Cellar="wet")) == (0, 1, 0)
    assert counts(with_notes(Roof="Tile", Cellar="wet")) == (0, 0, 1)
    (found,) = desk.all("properties")
    assert found["metadata"] == {"Roof": "Tile", "Pool": "yes", "Cellar": "wet"}


def test_houses_without_address_or_without_apn_come_in(desk: Desk) -> None:
    rows = [
        house(apn="A-9", address=""),
        house(apn="", address="9 ELM ST"),
        house(apn="", address=""),
    ]
    row = houses(desk, *rows)
    assert (counts(row), row["rejected_rows"]) == ((2, 0, 0), 1)
    assert counts(houses(desk, *rows)) == (0, 0, 2)


def test_two_apns_that_meet_in_one_stored_house_do_not_lose_a_row(desk: Desk) -> None:
    """One row finds the house by its number, another by its address, both in one batch."""
    houses(desk, house(apn="A-1", address="1 OAK ST"))
    rows = [
        house(apn="A-1", address="9 ELM ST", value="5"),
        house(apn="", address="1 OAK ST", sqft="7"),
    ]
    houses(desk, *rows)
    found = desk.one(
        "select * from properties where location_id = %s and apn = 'A-1'", desk.location.id
    )
    assert (found["est_value"], found["square_feet"]) == (5, 7)
    assert counts(houses(desk, *rows)) == (0, 0, 1)


@pytest.mark.parametrize("tier", ["database", ""])
def test_a_file_of_houses_only_needs_no_people(desk: Desk, tier: str) -> None:
    header = HEADER[:27]
    form: dict[str, Any] = {"tier": tier} if tier else {}
    row = desk.done(sheet(house(), house(apn="A-2", address="2 OAK ST"), header=header), **form)
    assert (row["tier"], counts(row), desk.count("contacts")) == ("database", (2, 0, 0), 0)
