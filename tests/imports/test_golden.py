"""The sample: each number of the digest's §3.6, from the tables and from the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from devstack.stack import Stack
from tests import people
from tests.imports.desk import Desk, Found, open_db
from tests.imports.sheets import GOLDEN, SAMPLE

# Every table an import writes that holds business facts.
TABLES = (
    "properties",
    "contacts",
    "contact_phones",
    "contact_emails",
    "property_contacts",
    "list_members",
    "consents",
)


@pytest.fixture(scope="module")
def filled(stack: Stack, flask_client: FlaskClient, worker: None) -> Iterator[tuple[Desk, Found]]:
    """A location with the sample in it; tests of this module only look, or import it again."""
    with open_db(stack.env) as db:
        desk = Desk(stack.env, flask_client, db, people.make_location(db, stack.env))
        yield desk, desk.done(SAMPLE.read_bytes())


def test_the_record_has_the_golden_numbers(filled: tuple[Desk, Found]) -> None:
    _, row = filled
    assert {name: row[name] for name in GOLDEN} == GOLDEN
    assert (row["phoneless_created"], row["phoneless_links_created"]) == (907, 907)
    assert (row["error"], row["warnings"], row["warned_rows"]) == (None, [], 0)
    assert (row["format"], row["tier"]) == ("propertyradar", "campaign")


def test_the_tables_have_the_golden_numbers(filled: tuple[Desk, Found]) -> None:
    desk, _ = filled
    assert desk.count("properties") == 2_180
    assert desk.count("contacts", "phone is not null") == 2_793
    assert desk.count("contact_phones") == desk.count("contact_phones", "is_primary") == 2_793
    assert desk.count("list_members", "status = 'active'") == desk.count("list_members") == 2_793
    with_phone = "contact_id in (select contact_id from contact_phones)"
    assert desk.count("property_contacts", with_phone) == 2_803
    assert desk.count("contacts", "phone is null") == 382 + 525
    assert desk.count("contact_cards") == desk.count("contacts")
    assert desk.count("consents") == 0
    assert desk.count("lists", "name = 'Westcliff' and status = 'completed'") == 1


def test_a_number_under_two_names_has_one_person_and_an_alias(filled: tuple[Desk, Found]) -> None:
    desk, _ = filled
    assert desk.count("contacts", "cardinality(aliases) = 1") == 161
    assert desk.count("contacts", "cardinality(aliases) > 1") == 0


def test_ten_numbers_stand_for_two_houses(filled: tuple[Desk, Found]) -> None:
    desk, _ = filled
    houses = desk.sql(
        "select l.contact_id from property_contacts l join contact_phones n using (contact_id)"
        " where l.location_id = %s group by 1 having count(*) = 2",
        desk.location.id,
    )
    assert len(houses) == 10


def test_couples_who_share_an_address_are_two_people(filled: tuple[Desk, Found]) -> None:
    """The 59 couples v1 rejected, and with them 97 % of its import."""
    desk, _ = filled
    couples = desk.sql(
        "select l.property_id, e.email from contact_emails e join property_contacts l"
        " using (contact_id) join contact_phones n using (contact_id)"
        " where e.location_id = %s group by 1, 2 having count(distinct l.contact_id) = 2",
        desk.location.id,
    )
    assert len(couples) == 59


def test_every_row_is_accounted_for(filled: tuple[Desk, Found]) -> None:
    desk, row = filled
    rows = desk.sql("select * from import_rows where import_id = %s order by row_no", row["id"])
    assert [r["row_no"] for r in rows] == list(range(2, 2_182))
    assert {(r["outcome"], r["property_outcome"]) for r in rows} == {("created", "created")}
    batches = desk.sql("select * from import_batches where import_id = %s", row["id"])
    assert (len(batches), sum(b["row_count"] for b in batches)) == (20, 2_180)
    assert not any(b["redone"] for b in batches)
    assert desk.sql("select 1 from private.import_stage_rows union all"
                    " select 1 from private.import_stage_people") == []  # fmt: skip


def test_cells_arrive_unharmed(filled: tuple[Desk, Found]) -> None:
    desk, _ = filled
    facts = desk.one(
        """select count(*) filter (where est_equity_amount < 0) as under_water,
             count(*) filter (where bathrooms <> trunc(bathrooms)) > 0 as has_halves,
             count(*) filter (where zip like '0%%') as zips,
             count(*) filter (where state = 'MA') as ma,
             count(subdivision) as subdivisions, count(purchase_date) as bought,
             count(purchase_months_since) as months, count(bedrooms) as beds,
             count(listing_status) as listed, count(*) filter (where high_equity) as high,
             bool_and(metadata = '{}') as nothing_unknown
           from properties where location_id = %s""",
        desk.location.id,
    )
    assert facts == {
        "under_water": 13,
        "has_halves": True,
        "zips": 2_180,
        "ma": 2_180,
        "subdivisions": 474,
        "bought": 1_934,
        "months": 593,
        "beds": 2_148,
        "listed": 230,
        "high": 1_403,
        "nothing_unknown": True,
    }


def test_each_house_with_people_has_one_primary_of_them(filled: tuple[Desk, Found]) -> None:
    desk, _ = filled
    assert (
        desk.count("property_contacts", "is_primary")
        == desk.one(
            "select count(distinct property_id) from property_contacts where location_id = %s",
            desk.location.id,
        )["count"]
    )


def fingerprint(desk: Desk) -> dict[str, Any]:
    """Every row of every table, with the time it was last written."""
    return {
        table: desk.one(
            f"select count(*), md5(string_agg(t::text, '' order by t::text)) from {table} t"
            " where location_id = %s",
            desk.location.id,
        )
        for table in TABLES
    }


@pytest.mark.parametrize("duplicates", ["merge", "replace", "skip"])
def test_importing_it_again_touches_no_row(filled: tuple[Desk, Found], duplicates: str) -> None:
    desk, _ = filled
    before = fingerprint(desk)
    row = desk.done(SAMPLE.read_bytes(), duplicates=duplicates)
    assert {name: row[name] for name in row if name.endswith(("_created", "_updated"))} == {
        name: 0 for name in row if name.endswith(("_created", "_updated"))
    }
    assert (row["properties_unchanged"], row["contacts_unchanged"]) == (2_180, 2_793)
    assert (row["links_unchanged"], row["list_members_unchanged"]) == (2_803, 2_793)
    assert (row["phoneless_unchanged"], row["phoneless_links_unchanged"]) == (907, 907)
    outcomes = desk.sql("select distinct outcome from import_rows where import_id = %s", row["id"])
    assert outcomes == [{"outcome": "skipped" if duplicates == "skip" else "unchanged"}]
    assert [w["code"] for w in row["warnings"]] == ["same_file"]
    assert fingerprint(desk) == before


def test_another_location_has_people_of_its_own(filled: tuple[Desk, Found], desk: Desk) -> None:
    row = desk.done(SAMPLE.read_bytes())
    assert {name: row[name] for name in GOLDEN} == GOLDEN
    assert row["warnings"] == []
    assert desk.count("contacts") == filled[0].count("contacts")
