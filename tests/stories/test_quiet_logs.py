"""A whole day's requests, good and bad, and every line that web, workers and clock wrote of it."""

from __future__ import annotations

import json
import re
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from devstack.processes import wait_until
from devstack.stack import Stack
from tests import people
from tests.faults.workers import Worker
from tests.imports.sheets import house, sheet
from tests.people import Location

PROGRAMS = ("web", "worker-imports", "worker-maintenance", "clock")
WITHIN_S = 60.0
# A person who is in everything that is sent.
NAME, FAMILY = "Zebedee", "Quillfeather"
EMAIL = "zebedee.quillfeather@example.com"
PHONE = "503-555-0142"
STREET = "17 Marmalade"
PERSONAL = (NAME, FAMILY, EMAIL, PHONE, "5035550142", "555-0142", STREET, "Marmalade")
PERSON = house(name=f"{NAME} {FAMILY}", phone=PHONE, email=EMAIL, address=f"{STREET} Ln")


@dataclass
class Office:
    """The running programs, and everything secret that was sent to them."""

    url: str
    db: psycopg.Connection[Any]
    team: Location
    logs: dict[str, Path]
    secrets: list[str] = field(default_factory=lambda: list(PERSONAL))

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        bearer = self.team.owner.bearer
        headers = {**bearer, "User-Agent": f"{NAME}/1.0", "Referer": f"https://x/?q={EMAIL}"}
        headers |= more.pop("headers", {})
        return httpx.request(method, self.url + path, headers=headers, timeout=30, **more)

    def raw(self, request: str) -> int:
        """Bytes that no client library would send. The status of the answer."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=WITHIN_S) as connection:
            connection.sendall(request.encode("latin1"))
            answer = connection.makefile("rb").read()
        assert b"application/problem+json" in answer, answer
        return int(answer.split(b" ")[1])

    def hand_in(self, content: bytes, **form: str) -> httpx.Response:
        files = {"file": (f"{FAMILY}-{PHONE}.csv", content, "text/csv")}
        fields = {"list_name": f"{NAME}'s list", **form}
        return self.send("POST", "/api/v1/imports", data=fields, files=files)

    def is_(self, import_id: str, status: str) -> bool:
        """Asked of the database: asking often over HTTP would meet the limit."""
        row = self.db.execute("select status from imports where id = %s", (import_id,)).fetchone()
        return row == (status,)

    def said(self) -> list[tuple[str, str]]:
        """(program, line) for every line of every log."""
        return [(name, line) for name, log in self.logs.items() for line in _lines(log)]


def _lines(log: Path) -> list[str]:
    return log.read_text().splitlines()


@pytest.fixture
def office(
    stack: Stack, db: psycopg.Connection[Any], redis_conn: redis.Redis, tmp_path: Path
) -> Iterator[Office]:
    redis_conn.flushall()
    # What other tests handed in would be worked on first.
    db.execute("update imports set status = 'cancelled' where status = 'uploaded'")
    team = people.make_location(db, stack.env, name=f"{FAMILY} & Sons")
    logs = {name: tmp_path / f"{name}.log" for name in PROGRAMS}
    programs = [Worker(stack, log, name) for name, log in logs.items()]
    programs[0].wait_ready()
    found = Office(f"http://127.0.0.1:{stack.env['WEB_PORT']}", db, team, logs)
    for person in team.people.values():
        found.secrets += [person.email, person.token, person.token.rpartition(".")[2]]
    yield found
    for program in programs:
        program.stop()


def imports_that_go_well_and_badly(office: Office) -> None:
    good = office.hand_in(sheet(PERSON))
    assert good.status_code == 202, good.text
    broken = office.hand_in(sheet(PERSON) + f'"{NAME} {FAMILY},{PHONE}\n'.encode())
    assert broken.status_code == 202
    for answer, ended in ((good, "done"), (broken, "failed")):
        import_id = answer.json()["id"]
        assert wait_until(partial(office.is_, import_id, ended), WITHIN_S)
    path = f"/api/v1/imports/{import_id}"
    assert office.send("GET", f"{path}/rows.csv").status_code == 200
    assert office.send("GET", f"{path}/rows.csv?outcome={FAMILY}").status_code == 422
    assert office.send("POST", f"{path}/cancel", content=EMAIL).status_code == 409
    assert office.hand_in(b"PK\x03\x04" + NAME.encode()).status_code == 422
    assert office.hand_in(sheet(PERSON), tier=NAME, list_name=EMAIL).status_code == 422


def addresses_and_bodies_nobody_can_serve(office: Office) -> None:
    for path in (f"/{NAME}/{PHONE}", f"/api/v1/imports/{EMAIL}", f"/health/live?who={EMAIL}"):
        assert office.send("GET", path).status_code in (200, 404)
    assert office.send("PATCH", f"/health/live?{EMAIL}").status_code == 405
    invite = "/api/v1/invites"
    for body in (b'{"email": "' + EMAIL.encode(), b"\xff" + NAME.encode()):
        kind = {"Content-Type": "application/json"}
        assert office.send("POST", invite, content=body, headers=kind).status_code in (400, 422)
    assert office.send("POST", invite, json={FAMILY: EMAIL, "role": NAME}).status_code == 422
    assert office.send("POST", invite, content=EMAIL).status_code == 415
    assert office.send("POST", "/api/v1/imports", content=b"x" * 3_000_000).status_code in (
        413,
        415,
    )


def an_invitation(office: Office) -> None:
    body = {"location_id": office.team.id, "email": EMAIL, "role": "marketer"}
    made = office.send("POST", "/api/v1/invites", json=body)
    assert made.status_code == 201, made.text
    assert office.send("POST", "/api/v1/invites", json=body).status_code == 409


def credentials_that_are_none(office: Office) -> None:
    key = f"aac_0123abcd_{'K' * 43}"
    office.secrets.append(key)
    path = f"/api/v1/imports/{uuid.uuid4()}?email={EMAIL}"
    for wrong in ({"Authorization": f"Bearer {EMAIL}"}, {"Authorization": f"Basic {NAME}"}):
        assert office.send("GET", path, headers=wrong).status_code == 401
    assert office.send("GET", path, headers={"X-Api-Key": key}).status_code == 400
    alone = {"X-Api-Key": key, "Cookie": f"name={NAME}", "X-Request-Id": f"{NAME} {PHONE}"}
    assert httpx.get(office.url + path, headers=alone).status_code == 401
    forged = office.team.owner.token[:-4] + "AAAA"
    office.secrets.append(forged.rpartition(".")[2])
    assert (
        office.send("GET", path, headers={"Authorization": f"Bearer {forged}"}).status_code == 401
    )


def what_is_no_http(office: Office) -> None:
    line = f"GET /?name={EMAIL} HTTP/1.1\r\nHost: x\r\n"
    assert office.raw(f"GET /{EMAIL} {NAME} HTTP/1.1\r\n\r\n") == 400
    assert office.raw(f"{NAME}@{FAMILY} / HTTP/1.1\r\n\r\n") == 400
    assert office.raw(f"{line}{NAME} {FAMILY}: {PHONE}\r\n\r\n") == 400
    assert office.raw(f"{line}X-Name: {NAME * 3000}\r\n\r\n") == 431
    assert office.raw(f"GET /{NAME * 1000} HTTP/1.1\r\n\r\n") == 414
    assert office.raw(f"{line}Expect: {EMAIL}\r\n\r\n") == 417
    assert office.raw(f"{line}Transfer-Encoding: {NAME}\r\n\r\n") in (400, 501)


def test_nothing_of_anybody_is_in_any_log(office: Office) -> None:
    imports_that_go_well_and_badly(office)
    addresses_and_bodies_nobody_can_serve(office)
    an_invitation(office)
    credentials_that_are_none(office)
    what_is_no_http(office)
    ended = "job_id"
    assert wait_until(lambda: ended in office.logs["worker-maintenance"].read_text(), WITHIN_S)
    said = office.said()
    for name, line in said:
        found = [secret for secret in office.secrets if secret.lower() in line.lower()]
        assert not found, (name, found, line)
        json.loads(line)


def test_who_did_what_is_in_the_log(office: Office) -> None:
    answer = office.send("GET", f"/api/v1/imports/{uuid.uuid4()}")
    request_id = answer.headers["X-Request-Id"]

    def line() -> dict[str, Any]:
        told = [json.loads(line) for line in _lines(office.logs["web"])]
        return next((one for one in told if one.get("request_id") == request_id), {})

    assert wait_until(lambda: bool(line()), WITHIN_S)
    told = line()
    assert told["user_id"] == office.team.owner.id
    assert (told["method"], told["status"], told["code"]) == ("GET", 404, "not_found")
    assert told["route"] == "/api/v1/imports/<uuid:import_id>"
    assert re.match(r"2\d{3}-", told["timestamp"]) and told["ms"] > 0
