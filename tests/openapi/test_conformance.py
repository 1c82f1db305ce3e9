"""schemathesis tries, on the real stack, what /openapi.json says: good requests and bad ones.

Every answer must be one that is described there, in form and headers; nothing may be a defect;
what is asked without a credential must be refused.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.identity.schemas import SOME_LOCATION
from devstack.stack import Stack
from tests import people
from tests.app.keys import make_key
from tests.faults.workers import Worker
from tests.people import Person

Db = psycopg.Connection[Any]
SETTINGS = Path(__file__).with_name("schemathesis.toml")
LIMITS = ("USER", "KEY", "IP", "OPEN", "FAILED")


@pytest.fixture
def web(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """gunicorn, by the Procfile's line and without limits. Its address."""
    for limit in LIMITS:
        monkeypatch.setenv(f"RATE_LIMIT_{limit}", "0")
    program = Worker(stack, tmp_path / "web.log", "web")
    program.wait_ready()
    yield f"http://127.0.0.1:{stack.env['WEB_PORT']}"
    program.stop()


@pytest.fixture
def owner(db: Db, stack: Stack) -> Person:
    """Of the location that the examples speak of."""
    db.execute(
        "insert into locations (id, name) values (%s, 'Westcliff') on conflict do nothing",
        (SOME_LOCATION,),
    )
    return people.make_person(db, stack.env, {SOME_LOCATION: "owner"})


def an_import(db: Db) -> str:
    row = db.execute(
        "insert into imports (location_id, list_name, file_path, filename, size_bytes, sha256)"
        " values (%s, 'Oak', 'x', 'x.csv', 1, repeat('a', 64)) returning id",
        (SOME_LOCATION,),
    ).fetchone()
    assert row is not None
    return str(row[0])


def an_invite(db: Db, owner: Person) -> str:
    row = db.execute(
        "insert into invites (location_id, email, role, created_by)"
        " values (%s, %s, 'marketer', %s) returning id",
        (SOME_LOCATION, f"{secrets.token_hex(6)}@example.com", owner.id),
    ).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("who", ["person", "program"])
def test_the_api_is_what_it_says(web: str, db: Db, owner: Person, tmp_path: Path, who: str) -> None:
    scopes = ("imports:read", "imports:write", "contacts:read")
    header = owner.bearer if who == "person" else make_key(db, SOME_LOCATION, owner.id, *scopes)
    ((name, value),) = header.items()
    settings = tmp_path / "schemathesis.toml"
    ids = {"import_id": an_import(db), "invite_id": an_invite(db, owner)}
    lines = [f'"path.{parameter}" = "{given}"' for parameter, given in ids.items()]
    settings.write_text(SETTINGS.read_text() + "\n".join(["", "[parameters]", *lines, ""]))
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(settings)),
            *("run", f"{web}/openapi.json", "--checks", "all", "--header", f"{name}: {value}"),
            *("--no-color", "--include-path-regex", "^/api/"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
