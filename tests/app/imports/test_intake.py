"""What happens to the object when the row cannot be made; Supabase's answers are played."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from werkzeug.datastructures import FileStorage

from app import clients, logs
from app.auth import User
from app.config import Config
from app.db import Database
from app.errors import AppError
from app.idempotency import Attempt
from app.imports.intake import Intake
from app.storage import Storage

USER = User("00000000-0000-4000-8000-000000000007", "", "token")
ATTEMPT = Attempt("00000000-0000-4000-8000-000000000002")
REFUSED = {"code": "PT422", "message": "invalid_value", "details": "list_name is too long."}


class Supabase:
    """Answers by path; `create` is what create_import says, `remove` the status of a removal."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.create = httpx.Response(422, json=REFUSED)
        self.remove = 200

    def answer(self, request: httpx.Request) -> httpx.Response:
        last = request.url.path.rsplit("/", 1)[1]
        self.asked.append(f"{request.method} {last}")
        if last == "import_location":
            return httpx.Response(200, json="00000000-0000-4000-8000-000000000001")
        if last == "create_import":
            return self.create
        return httpx.Response(self.remove if request.method == "DELETE" else 200, json={})


@pytest.fixture
def supabase() -> Supabase:
    return Supabase()


@pytest.fixture
def held(config: Config, supabase: Supabase) -> Iterator[clients.Clients]:
    with httpx.Client(transport=httpx.MockTransport(supabase.answer)) as http:
        built = clients.build(config)
        yield replace(
            built,
            http=http,
            database=Database("http://sb", "anon", http),
            storage=Storage("http://sb", "anon", http),
        )
        built.close()


def refusal(held: clients.Clients) -> AppError:
    form: dict[str, Any] = {
        "file": FileStorage(io.BytesIO(b"APN\n1\n"), "list.csv"),
        "list_name": "Leominster",
        "duplicates": "merge",
        "consent": "unknown",
        "location_id": None,
    }
    with pytest.raises(AppError) as refused:
        Intake(held, USER, form).take(ATTEMPT)
    return refused.value


def test_a_refused_row_takes_its_object_away(held: clients.Clients, supabase: Supabase) -> None:
    assert refusal(held).code == "invalid_value"
    assert supabase.asked == [
        "POST import_location",
        "POST list.csv",
        "POST create_import",
        "DELETE list.csv",
    ]


def test_an_object_that_stays_behind_does_not_hide_the_refusal(
    held: clients.Clients, supabase: Supabase
) -> None:
    supabase.remove = 500
    logged = io.StringIO()
    logs.configure("info", logged)
    assert refusal(held).code == "invalid_value"
    told = logged.getvalue()
    assert f"/{ATTEMPT.resource_id}" in told, "to be found by"
    assert "list.csv" not in told, "a file may be named after somebody"


def test_without_an_answer_the_object_stays_for_the_row_may_be_there(
    held: clients.Clients, supabase: Supabase
) -> None:
    supabase.create = httpx.Response(503, text="upstream is away")
    assert refusal(held).code == "database_unavailable"
    assert not any(asked.startswith("DELETE") for asked in supabase.asked)
