"""One row's trouble is that row's alone, and is said in rows.csv."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest

from tests.imports.desk import Desk, Found
from tests.imports.sheets import HEADER, house, numbered, sheet, street

Refuse = Callable[[str, str], AbstractContextManager[None]]


@pytest.fixture
def refuse(admin_db: psycopg.Connection[Any], desk: Desk) -> Refuse:
    """A rule of this test's own: the table takes no row of the location that meets `when`."""

    @contextmanager
    def made(table: str, when: str) -> Iterator[None]:
        mine = f"new.location_id = '{desk.location.id}' and ({when})"
        admin_db.execute(
            f"""create or replace function private.test_refuses() returns trigger language plpgsql
            as $$ begin raise check_violation using message = 'not in this town'; end $$;
            create trigger test_refuses before insert on {table} for each row
              when ({mine}) execute function private.test_refuses()"""
        )
        try:
            yield
        finally:
            admin_db.execute("drop function private.test_refuses() cascade")

    return made


def outcomes(desk: Desk, row: Found) -> list[str]:
    query = "select outcome from import_rows where import_id = %s order by row_no"
    return [found["outcome"] for found in desk.sql(query, row["id"])]


@pytest.mark.parametrize(
    ("table", "when"),
    [
        ("properties", "new.apn = 'E-2'"),
        ("contacts", "new.display_name = 'AAAC ELMS'"),
        ("contact_phones", "new.phone like '%102'"),
        ("list_members", "new.import_row_no = 3"),
    ],
)
def test_a_row_the_database_refuses_is_set_aside_alone(
    desk: Desk, refuse: Refuse, table: str, when: str
) -> None:
    with refuse(table, when):
        row = desk.done(sheet(*street(5)))
    assert outcomes(desk, row) == ["created", "rejected", "created", "created", "created"]
    assert (row["rejected_rows"], row["properties_created"], row["contacts_created"]) == (1, 4, 4)
    assert desk.count("properties") == desk.count("contacts") == desk.count("list_members") == 4
    (line,) = desk.report(row["id"], "rejected")
    assert "not in this town" in line["reason"]
    assert (line["row_no"], line["APN"], line["Primary Name"]) == ("3", "E-2", "AAAC ELMS")
    (batch,) = desk.sql("select * from import_batches where import_id = %s", row["id"])
    assert (batch["redone"], batch["rejected_rows"]) == (True, 1)


def test_a_rejected_row_comes_in_when_the_reason_is_gone(desk: Desk, refuse: Refuse) -> None:
    with refuse("properties", "new.apn = 'E-2'"):
        desk.done(sheet(*street(5)))
    row = desk.done(sheet(*street(5)))
    assert (row["properties_created"], row["properties_unchanged"]) == (1, 4)


def test_a_batch_redone_row_by_row_ends_as_one_that_went_well(desk: Desk, refuse: Refuse) -> None:
    """Rows that lean on each other: a house twice, a number twice, a name that gets a number."""
    rows = [
        *street(3),
        house(name="ANNA KURTE"),
        house(name="ANNA KURTE", phone=numbered(9_001), name2="BERT K", phone2=numbered(9_001)),
        house(apn="A-2", address="2 OAK ST", name="ANNA KURTE", phone=numbered(9_001)),
    ]
    with refuse("properties", "new.apn = 'E-2'"):
        row = desk.done(sheet(*rows))
    assert (row["processed_rows"], row["rejected_rows"]) == (6, 1)
    assert (row["properties_created"], row["contacts_created"]) == (4, 3)
    assert desk.count("contacts") == 3 and desk.count("contacts", "phone is null") == 0


def test_a_cell_longer_than_an_index_takes_does_not_stop_the_file(desk: Desk) -> None:
    """Incompressible, so that no index can hold it."""
    long = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(20_000))
    rows = [
        house(**{column: long})
        for column in ("address", "city", "owner", "name", "email", "phone", "listing", "type")
    ]
    row = desk.done(sheet(*street(2), *[{**r, "APN": f"L-{n}"} for n, r in enumerate(rows, 1)]))
    assert [line["reason"][:200] for line in desk.report(row["id"], "rejected")] == []
    assert (row["total_rows"], row["properties_created"], row["warned_rows"]) == (10, 10, 5)
    assert desk.report(row["id"])[2]["Address"] == long


def test_megabytes_in_a_cell_arrive(desk: Desk) -> None:
    notes = 'word, "quoted"\r\n' * 350_000
    row = desk.done(sheet(house(Notes=notes), header=[*HEADER, "Notes"]))
    assert row["rejected_rows"] == 0
    (found,) = desk.all("properties")
    assert found["metadata"] == {"Notes": notes.strip()}


def test_letters_of_every_alphabet_arrive(desk: Desk) -> None:
    row = desk.done(sheet(house(name="RENÉE TRẦN", owner="李,小龍 🏠", city="Åmål")))
    assert row["warned_rows"] == row["rejected_rows"] == 0
    assert desk.all("properties")[0]["owner_name"] == "李,小龍 🏠"
    (person,) = desk.all("contacts")
    assert (person["first_name"], person["last_name"]) == ("Renée", "Trần")


def test_bad_cells_and_rows_are_listed_with_what_was_in_them(desk: Desk) -> None:
    rows = [
        house(value="lots"),
        house(apn="", address="", name="ANNA KURTE"),
        house(apn="A-3", address="3 OAK ST"),
        house(apn="A-4", address="4 OAK ST", phone="555-0123", **{"Baths": "two"}),
    ]
    row = desk.done(sheet(*rows))
    assert (row["rejected_rows"], row["warned_rows"], row["properties_created"]) == (1, 2, 3)
    lines = desk.report(row["id"])
    assert [(line["row_no"], line["outcome"]) for line in lines] == [
        ("2", "created"),
        ("3", "rejected"),
        ("4", "created"),
        ("5", "created"),
    ]
    assert "Est Value: 'lots' is not a number" in lines[0]["warnings"]
    assert "neither an address nor an APN" in lines[1]["reason"]
    assert (lines[1]["Primary Name"], lines[2]["APN"] or "") == ("ANNA KURTE", "")
    assert all(word in lines[3]["warnings"] for word in ("Baths", "two", "Mobile", "555-0123"))
    assert desk.report(row["id"], "rejected") == [lines[1]]


def test_a_file_in_which_every_row_is_bad_is_done_and_says_so(desk: Desk) -> None:
    row = desk.done(sheet(*[house(apn="", address="")] * 230))
    assert (row["processed_rows"], row["rejected_rows"], row["error"]) == (230, 230, None)
    assert desk.count("properties") == 0


def test_formulas_in_a_file_do_not_come_alive_in_its_report(desk: Desk) -> None:
    row = desk.done(sheet(house(value="=1+1", owner="=cmd|' /C calc'!A0", apn="-A1")))
    text = desk.client.get(
        f"/api/v1/imports/{row['id']}/rows.csv", headers=desk.location.owner.bearer
    ).text
    assert not any(cell.startswith("=") for line in text.splitlines() for cell in line.split(","))
