"""Files that cannot be imported end as failed, saying what to do; those that nearly can, go in."""

from __future__ import annotations

import uuid

import pytest

from edge_jobs import runtime
from edge_jobs.imports import run_import
from tests.imports.desk import Desk
from tests.imports.sheets import HOUSE_COLUMNS, house, numbered, sheet, street


def store(desk: Desk, content: bytes) -> str:
    """As a program that goes past the route: straight into the bucket, then create_import."""
    held, token = runtime.runtime(), desk.location.owner.token
    import_id = str(uuid.uuid4())
    path = f"{desk.location.id}/{import_id}/list.csv"
    held.storage.upload(
        token, "imports", path, iter([content]), size_bytes=len(content), media_type="text/csv"
    )
    body = {
        "p_id": import_id,
        "p_location_id": desk.location.id,
        "p_file_path": path,
        "p_filename": "list.csv",
        "p_size_bytes": max(len(content), 1),
        "p_sha256": "0" * 64,
        "p_list_name": "Stored",
    }
    desk.write("POST", "rpc/create_import", body)
    return import_id


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (sheet(), "no rows"),
        (b"\r\n,,\r\n", "empty"),
        (b"id,phone\n1,2\n", "not a PropertyRadar export"),
        (sheet(house()) + b'SFR,"1 OAK ST\r\n', "Row 3"),
        (sheet(*street(300)) + b'SFR,"1 OAK ST\r\n', "Row 302"),
    ],
)
def test_a_file_of_no_use_fails_saying_what_to_do(desk: Desk, content: bytes, said: str) -> None:
    row = desk.run(content)
    assert row["status"] == "failed" and said in row["error"]
    assert "xport" in row["error"] or "upload again" in row["error"]
    assert row["finished_at"] and row["lease_id"] is None
    assert desk.count("properties") == 0, "nothing of it is half in"
    assert desk.one("select status from lists where id = %s", row["list_id"])["status"] == "failed"
    assert run_import(str(row["id"])) == "busy"


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02",
        "Type,Address".encode("utf-16"),
        b"\xff\xfeT\x00y",
        b"\x81\x8d\x8f",
        b"PK\x03\x04\x00\x00",
        sheet(house()).replace(b"Type", b"Ty\x00pe").replace(b"OAK", b"O\x00AK"),
    ],
)
def test_what_came_past_the_route_ends_too(desk: Desk, content: bytes) -> None:
    """Stored by a program of the user's own; NUL and all, it does not wait for ever."""
    import_id = store(desk, content)
    run_import(import_id)
    row = desk.row(import_id)
    assert (row["status"] == "failed" and "CSV" in row["error"]) or row["status"] == "done"


def test_utf16_stored_past_the_route_is_read(desk: Desk) -> None:
    content = sheet(house(name="RENÉE TRẦN")).decode().encode("utf-16")
    import_id = store(desk, content)
    assert run_import(import_id) == "done"
    assert desk.all("contacts")[0]["first_name"] == "Renée"


def test_a_campaign_without_people_fails_saying_what_to_do(desk: Desk) -> None:
    content = sheet(house(), header=HOUSE_COLUMNS)
    row = desk.run(content, tier="campaign")
    assert row["status"] == "failed" and "tier=database" in row["error"]
    assert desk.done(content, tier="database")["properties_created"] == 1


def test_windows_letters_are_read_with_a_warning(desk: Desk) -> None:
    content = sheet(house(name="ZOË KURTE", phone=numbered(1))).decode().encode("cp1252")
    row = desk.done(content)
    assert [warning["code"] for warning in row["warnings"]] == ["not_utf8"]
    assert desk.all("contacts")[0]["first_name"] == "Zoë"
