"""What is asked of PostgREST, and what the caller is told when it refuses."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

import httpx
import pytest

from app import passage
from app.db import Database, auth_headers
from app.errors import AppError, invalid_token
from app.passage import Passage

Answer = Callable[[httpx.Request], httpx.Response]


def database(answer: Answer) -> Database:
    return Database("http://sb", "anon", httpx.Client(transport=httpx.MockTransport(answer)))


def refused_with(status: int, body: Any) -> AppError:
    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(body, dict):
            return httpx.Response(status, json=body)
        return httpx.Response(status, text=body)

    with pytest.raises(AppError) as refused:
        database(answer).rpc("token", "create_import")
    return refused.value


def test_a_call_carries_the_key_and_its_callers_own_token() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": "one"})

    shared = database(answer)
    assert shared.rpc("ana", "import_location", p_location_id=None) == {"id": "one"}
    shared.rpc("ben", "import_location", p_location_id=None)
    assert [r.headers["Authorization"] for r in seen] == ["Bearer ana", "Bearer ben"]
    assert {r.headers["apikey"] for r in seen} == {"anon"}
    assert seen[0].url == "http://sb/rest/v1/rpc/import_location"
    assert seen[0].content == b'{"p_location_id":null}'


def test_a_secret_key_is_never_sent_as_a_bearer_token() -> None:
    headers = auth_headers("sb_secret_x", "sb_secret_x")
    assert headers["apikey"] == "sb_secret_x" and "Authorization" not in headers


def test_an_api_key_goes_beside_the_anon_key() -> None:
    headers = auth_headers("anon", "aac_0123abcd_x")
    assert (headers["apikey"], headers["X-Api-Key"]) == ("anon", "aac_0123abcd_x")
    assert "Authorization" not in headers


def test_the_request_is_named_to_the_audit_log() -> None:
    def in_a_request() -> dict[str, str]:
        passage.begin(Passage("request-1"))
        return auth_headers("anon", "token")

    assert copy_context().run(in_a_request)["X-Request-Id"] == "request-1"
    assert "X-Request-Id" not in Context().run(auth_headers, "anon", "token")


def test_pages_of_rows_go_by_key_and_not_by_offset() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=[])

    database(answer).rows(
        "token", "import_rows", "row_no", {"import_id": "one"}, order="row_no", after=7, limit=3
    )
    assert dict(seen[0].url.params) == {
        "select": "row_no",
        "import_id": "eq.one",
        "row_no": "gt.7",
        "order": "row_no.asc",
        "limit": "3",
    }


def test_no_row_is_not_found() -> None:
    with pytest.raises(AppError) as refused:
        database(lambda _: httpx.Response(200, json=[])).row("token", "imports", "id", id="one")
    assert (refused.value.status, refused.value.code) == (404, "not_found")


def test_our_own_sql_speaks_for_itself() -> None:
    error = refused_with(
        422,
        {
            "code": "PT422",
            "message": "location_required",
            "details": "You work at several locations.",
            "hint": "Name one in location_id.",
        },
    )
    assert (error.status, error.code) == (422, "location_required")
    assert error.detail == "You work at several locations. Name one in location_id."


@pytest.mark.parametrize(
    ("detail", "field", "told"),
    [
        ("p_email is no e-mail address.", "email", "email is no e-mail address. Try again."),
        ("list_name must have 1 …", "list_name", "list_name must have 1 … Try again."),
        ("You work at several locations.", None, "You work at several locations. Try again."),
    ],
)
def test_a_refused_field_is_named_as_flask_names_it(
    detail: str, field: str | None, told: str
) -> None:
    said = {"code": "PT422", "message": "invalid_value", "details": detail, "hint": "Try again."}
    error = refused_with(422, said)
    assert error.detail == told
    assert [(e.field, e.message) for e in error.errors] == ([(field, told)] if field else [])


def test_who_is_signed_out_by_sql_is_told_the_scheme_too() -> None:
    error = refused_with(401, {"code": "PT401", "message": "invalid_api_key", "details": "Gone."})
    assert (error.status, error.code, error.detail) == (401, "invalid_api_key", "Gone.")
    assert error.headers["WWW-Authenticate"].startswith("Bearer")
    error = refused_with(401, {"code": "PT401", "message": "Out!"})
    assert (error.code, error.detail) == ("invalid_token", invalid_token().detail)


def test_a_token_that_expires_on_the_way_is_expired_for_postgrest_too() -> None:
    assert refused_with(401, {"code": "PGRST303", "message": "JWT expired"}).code == "expired_token"


@pytest.mark.parametrize(("status", "code"), [(409, "request_in_progress"), (429, "sent_just_now")])
def test_who_shall_wait_is_told_how_long(status: int, code: str) -> None:
    error = refused_with(status, {"code": f"PT{status}", "message": code, "details": "Wait."})
    assert error.code == code and error.headers["Retry-After"].isdigit()


def test_a_message_that_is_no_code_is_not_passed_off_as_one() -> None:
    error = refused_with(403, {"code": "PT403", "message": "Not you!", "details": None})
    assert (error.status, error.code, error.detail) == (403, "refused", "This is not possible.")


@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [
        ("23505", 409, "already_exists"),
        ("42501", 403, "not_permitted"),
        ("23503", 422, "invalid_value"),
        ("23514", 422, "invalid_value"),
        ("22P02", 422, "invalid_value"),
        ("22001", 422, "invalid_value"),
        ("PGRST116", 404, "not_found"),
        ("PGRST301", 401, "invalid_token"),
        ("PGRST001", 503, "database_unavailable"),
        ("57P01", 503, "database_unavailable"),
        ("40P01", 503, "database_unavailable"),
        ("503", 503, "database_unavailable"),
        ("PT999", 500, "internal_error"),
        ("PGRST202", 500, "internal_error"),
        ("P0001", 500, "internal_error"),
        ("42P01", 500, "internal_error"),
    ],
)
def test_postgres_refusals_become_ours_without_its_words(
    sqlstate: str, status: int, code: str
) -> None:
    said = 'Key (phone)=(+15035550142) in table "contacts"'
    body = {"code": sqlstate, "message": said, "details": said, "hint": said}
    error = refused_with(400, body)
    assert (error.status, error.code) == (status, code)
    assert "phone" not in error.detail and "+1503" not in str(error)
    assert ("Retry-After" in error.headers) == (status == 503)


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", {"message": "no upstream"}])
def test_a_gateway_that_answers_for_a_dead_database_is_believed(body: Any) -> None:
    assert refused_with(502, body).code == "database_unavailable"


def test_no_answer_at_all_is_database_unavailable() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too slow", request=request)

    with pytest.raises(AppError) as refused:
        database(broken).rows("token", "imports", "id", {})
    assert (refused.value.status, refused.value.code) == (503, "database_unavailable")
    assert refused.value.headers["Retry-After"].isdigit()
