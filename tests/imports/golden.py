"""The sample's numbers as one check, for tests in which something went wrong on the way."""

from __future__ import annotations

from tests.imports.desk import Desk
from tests.imports.sheets import GOLDEN


def assert_tables(desk: Desk) -> None:
    """The location holds the sample once: nothing lost, nothing twice."""
    with_phone = "contact_id in (select contact_id from contact_phones)"
    found = {
        "properties": desk.count("properties"),
        "people with a phone": desk.count("contacts", "phone is not null"),
        "people without": desk.count("contacts", "phone is null"),
        "links from phones": desk.count("property_contacts", with_phone),
        "links in all": desk.count("property_contacts"),
        "members": desk.count("list_members"),
        "with an alias": desk.count("contacts", "cardinality(aliases) = 1"),
        "cards": desk.count("contact_cards"),
    }
    assert found == {
        "properties": 2_180,
        "people with a phone": 2_793,
        "people without": 907,
        "links from phones": 2_803,
        "links in all": 2_803 + 907,
        "members": 2_793,
        "with an alias": 161,
        "cards": 2_793 + 907,
    }


def assert_golden(desk: Desk, import_id: str) -> None:
    """The import says so, too, and every row has one outcome."""
    row = desk.row(import_id)
    assert (row["status"], row["error"]) == ("done", None)
    assert {name: row[name] for name in GOLDEN} == GOLDEN
    assert row["phoneless_created"] == 907
    outcomes = desk.one("select count(*) from import_rows where import_id = %s", import_id)
    assert outcomes["count"] == 2_180
    assert_tables(desk)
