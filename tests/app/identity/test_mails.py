"""What Supabase Auth is asked to mail, and what people are told when it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.identity.mails import Mails

LINK = "http://crm.test/invite?token=abc_-1"
Answer = Callable[[httpx.Request], httpx.Response]


def mails(answer: Answer) -> Mails:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return Mails("http://sb", "service", http)


def refusing(status: int, body: Any) -> Mails:
    return mails(lambda _: httpx.Response(status, json=body))


def test_a_new_address_is_invited_with_the_service_key() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": "one"})

    assert mails(answer).send_link("ana@example.com", LINK, "Westcliff") is None
    (request,) = seen
    assert request.url.path == "/auth/v1/invite"
    assert request.url.params["redirect_to"] == LINK
    assert json.loads(request.content) == {
        "email": "ana@example.com",
        "data": {"location_name": "Westcliff"},
    }
    assert request.headers["Authorization"] == "Bearer service"


@pytest.mark.parametrize("code", ["email_exists", "user_already_exists"])
def test_a_known_address_gets_a_link_to_sign_in(code: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path.endswith("/invite"):
            return httpx.Response(422, json={"code": 422, "error_code": code, "msg": "There."})
        return httpx.Response(200, json={})

    assert mails(answer).send_link("ana@example.com", LINK, "Westcliff") is None
    assert [request.url.path for request in seen] == ["/auth/v1/invite", "/auth/v1/otp"]
    assert json.loads(seen[1].content) == {"email": "ana@example.com", "create_user": False}
    assert seen[1].url.params["redirect_to"] == LINK


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (429, {"code": 429, "error_code": "over_email_send_rate_limit"}, "last hour"),
        (429, {"code": "over_request_rate_limit", "message": "slow"}, "just now"),
        (422, {"code": 422, "error_code": "email_address_invalid"}, "No mail can be sent"),
        (422, {"code": 422, "error_code": "validation_failed"}, "No mail can be sent"),
        (400, {"error_code": "email_address_not_authorized"}, "set up a mail server"),
        (422, {"error_code": "user_banned"}, "blocked"),
        (403, {"error_code": "not_admin"}, "(not_admin)"),
        (401, {"message": "Invalid API key"}, "(status 401)"),
        (500, [], "(status 500)"),
    ],
)
def test_a_refusal_is_told_in_words_for_people(status: int, body: Any, words: str) -> None:
    told = refusing(status, body).send_link("ana@example.com", LINK, "Westcliff")
    assert told and words in told
    assert "ana@example.com" not in told and "token" not in told


def test_what_is_no_json_and_no_answer_is_told_too() -> None:
    html = mails(lambda _: httpx.Response(502, text="<html>"))
    assert "(status 502)" in str(html.send_link("ana@example.com", LINK, "Westcliff"))

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    assert "(no answer)" in str(mails(broken).send_link("ana@example.com", LINK, "Westcliff"))
