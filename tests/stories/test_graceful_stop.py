"""SIGTERM in the middle: what is under way is finished, and nothing is left half-written."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from devstack.processes import session_members, wait_until
from devstack.stack import Stack
from tests import people
from tests.faults.workers import Worker
from tests.imports.sheets import sheet, street
from tests.people import Location

WITHIN_S = 30.0
BOUNDARY = "a-boundary"
Db = psycopg.Connection[Any]


@pytest.fixture
def team(db: Db, stack: Stack, redis_conn: redis.Redis) -> Location:
    redis_conn.flushall()
    return people.make_location(db, stack.env, name="Westcliff")


@pytest.fixture
def web(stack: Stack, tmp_path: Path) -> Iterator[Worker]:
    program = Worker(stack, tmp_path / "web.log", "web")
    program.wait_ready()
    yield program
    program.stop()


class Upload:
    """A file handed in byte by byte, as over a slow line."""

    def __init__(self, stack: Stack, team: Location, list_name: str) -> None:
        disposition = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
        fields = f'{disposition}"list_name"\r\n\r\n{list_name}\r\n'
        opening = f'{disposition}"file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
        rows = sheet(*street(200))
        self._body = (fields + opening).encode() + rows + f"\r\n--{BOUNDARY}--\r\n".encode()
        address = ("127.0.0.1", int(stack.env["WEB_PORT"]))
        self.connection = socket.create_connection(address, timeout=WITHIN_S)
        self.connection.sendall(
            f"POST /api/v1/imports HTTP/1.1\r\nHost: crm\r\nConnection: close\r\n"
            f"Content-Length: {len(self._body)}\r\n"
            f"Authorization: Bearer {team.owner.token}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode()
        )
        self.connection.sendall(self._body[:10_000])

    def finish(self) -> tuple[int, dict[str, Any]]:
        with self.connection, self.connection.makefile("rb") as answer:
            self.connection.sendall(self._body[10_000:])
            head, _, body = answer.read().partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), json.loads(body)


def is_refused(stack: Stack) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{stack.env['WEB_PORT']}/health/live", timeout=2)
    except httpx.ConnectError:
        return True
    except httpx.HTTPError:
        pass
    return False


def left_of(db: Db, team: Location) -> tuple[int, int]:
    """Rows and files of the location."""
    rows = db.execute("select count(*) from imports where location_id = %s", (team.id,)).fetchone()
    files = db.execute(
        "select count(*) from storage.objects where name like %s", (f"{team.id}/%",)
    ).fetchone()
    assert rows and files
    return rows[0], files[0]


def test_an_upload_under_way_is_finished_and_whole(
    stack: Stack, web: Worker, team: Location, db: Db
) -> None:
    name = f"List {uuid.uuid4()}"
    upload = Upload(stack, team, name)
    os.kill(web.pid, signal.SIGTERM)
    assert wait_until(lambda: is_refused(stack), WITHIN_S), "new requests must go elsewhere"
    status, row = upload.finish()
    assert (status, row["status"]) == (202, "uploaded")
    assert wait_until(lambda: not session_members(web.pid), WITHIN_S)
    assert left_of(db, team) == (1, 1)
    size, length = db.execute(
        "select i.size_bytes, (o.metadata->>'size')::int from imports i"
        " join storage.objects o on o.name = i.file_path where i.id = %s",
        (row["id"],),
    ).fetchone()  # type: ignore[misc]
    assert size == length == len(sheet(*street(200)))


def test_a_line_that_breaks_leaves_nothing(
    stack: Stack, web: Worker, team: Location, db: Db, tmp_path: Path
) -> None:
    Upload(stack, team, "cut").connection.close()
    log = tmp_path / "web.log"
    assert wait_until(lambda: '"route": "/api/v1/imports"' in log.read_text(), WITHIN_S)
    assert re.search(r'"status": 4\d\d', log.read_text())
    assert left_of(db, team) == (0, 0)


def test_a_killed_web_leaves_nothing_half_written(
    stack: Stack, web: Worker, team: Location, db: Db
) -> None:
    upload = Upload(stack, team, "killed")
    web.kill()
    with suppress(OSError, IndexError):
        upload.finish()
    assert left_of(db, team) == (0, 0)


@pytest.mark.parametrize("name", ["worker-imports", "worker-maintenance", "clock"])
def test_who_has_nothing_to_do_stops(stack: Stack, tmp_path: Path, name: str) -> None:
    log = tmp_path / "program.log"
    program = Worker(stack, log, name)
    started = '"clock_started"' if name == "clock" else '"worker_started"'
    try:
        assert wait_until(lambda: started in log.read_text(), WITHIN_S)
        os.kill(program.pid, signal.SIGTERM)
        assert wait_until(lambda: not session_members(program.pid), WITHIN_S)
    finally:
        program.stop()
    assert "Traceback" not in log.read_text()
