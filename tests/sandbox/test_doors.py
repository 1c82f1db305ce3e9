"""Key, version, pace, and the form of an error: what stands before every call."""

from __future__ import annotations

import pytest

from tests.sandbox_driver import VERSION, Sandbox


@pytest.mark.parametrize("given", ["", "wrong", "Bearer {key}", "{key}"])
@pytest.mark.parametrize("path", ["/v1/users?maxResults=1", "/organization"])
def test_key_stands_alone_in_its_header(sandbox: Sandbox, path: str, given: str) -> None:
    headers = VERSION | {"Authorization": given.replace("{key}", sandbox.key)}
    expected = 200 if given == "{key}" else 401
    assert sandbox.http.get(path, headers=headers).status_code == expected


@pytest.mark.parametrize("version", [None, "2025-01-01", ""])
def test_dated_surface_wants_its_version(sandbox: Sandbox, version: str | None) -> None:
    headers = {"Authorization": sandbox.key} | ({"Quo-Api-Version": version} if version else {})
    answer = sandbox.http.get("/organization", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["title"] == "Bad Request"


def test_v1_error_has_a_code_and_the_dated_one_has_none(sandbox: Sandbox) -> None:
    v1 = sandbox.v1("GET", "/messages/ACnone").json()
    assert {"message", "code", "status", "docs", "title", "trace"} == v1.keys()
    assert (v1["code"], v1["status"], v1["title"]) == ("0200404", 404, "Not Found")
    dated = sandbox.dated("GET", "/messages/ACnone").json()
    assert {"message", "docs", "title", "trace"} == dated.keys()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/calls/ACnone", "0100404"),
        ("/phone-numbers/PNnone", "0400404"),
        ("/call-summaries/ACnone", "0500404"),
        ("/contacts/none", "0800404"),
        ("/call-voicemails/ACnone", "1200404"),
    ],
)
def test_v1_code_tells_the_family(sandbox: Sandbox, path: str, code: str) -> None:
    assert sandbox.v1("GET", path).json()["code"] == code


def test_wrong_query_names_the_field_and_the_value(sandbox: Sandbox) -> None:
    answer = sandbox.dated("GET", "/messages?limit=200")
    assert answer.status_code == 400
    (problem,) = answer.json()["errors"]
    assert (problem["path"], problem["value"]) == ("/query/limit", "200")


def test_v1_lists_want_their_size(sandbox: Sandbox) -> None:
    for path in ("/users", "/conversations", "/contacts"):
        errors = sandbox.v1("GET", path).json()["errors"]
        assert [problem["path"] for problem in errors] == ["/query/maxResults"], path


def test_eleventh_request_of_a_second_waits_on_both_surfaces_together(sandbox: Sandbox) -> None:
    sandbox.behave(requests_per_s=10)
    statuses = [sandbox.v1("GET", "/phone-numbers").status_code for _ in range(5)]
    statuses += [sandbox.dated("GET", "/organization").status_code for _ in range(9)]
    assert statuses[:10] == [200] * 10
    assert 429 in statuses[10:]


def test_address_that_is_none_answers_in_the_vendors_form(sandbox: Sandbox) -> None:
    assert sandbox.v1("GET", "/nothing").json()["title"] == "Not Found"
    assert sandbox.dated("DELETE", "/messages").json()["title"] == "Method Not Allowed"
