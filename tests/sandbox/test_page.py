"""The page on which one plays the customer: it comes whole, and nobody else uses its surface."""

from __future__ import annotations

import re

import pytest

from tests.sandbox_driver import Sandbox

PERSON = "+16175550123"


def test_page_and_its_parts_come_from_one_place(sandbox: Sandbox) -> None:
    page = sandbox.http.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    parts = re.findall(r'(?:href|src)="(/page/[^"]+)"', page.text)
    parts += re.findall(r'from "(/page/[^"]+)"', sandbox.http.get("/page/page.js").text)
    assert len(parts) == 3
    for part in parts:
        assert sandbox.http.get(part).status_code == 200, part
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/page/other.js", "/page/../app.py", "/page/__init__.py"])
def test_nothing_else_lies_beside_it(sandbox: Sandbox, path: str) -> None:
    assert sandbox.http.get(path).status_code in (401, 404)


def test_another_site_plays_no_customer(sandbox: Sandbox) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    content = {"from": PERSON, "text": "Hello"}
    answer = sandbox.http.post("/_control/incoming", json=content, headers=foreign)
    assert answer.status_code == 403
    assert sandbox.control("GET", "conversations") == []


def test_conversations_are_told_with_what_was_said_last(sandbox: Sandbox) -> None:
    sandbox.customer_texts("+16175550124", "First")
    heard = sandbox.customer_texts(PERSON, "Hello")
    sandbox.customer_calls(PERSON, "voicemail")
    sandbox.app_texts(PERSON, "On our way")
    sandbox.customer_texts(PERSON, "STOP", media=[{"kind": "png"}])
    sandbox.idle()
    first, second = sandbox.control("GET", "conversations")
    assert (first["id"], first["people"]) == (heard["conversation_id"], [PERSON])
    assert (first["stopped"], second["stopped"]) == (True, False)
    told = sandbox.conversation(first["id"])
    assert [each["direction"] for each in told["messages"]] == [
        *("outgoing", "incoming", "outgoing", "incoming")
    ]
    assert told["calls"][0]["voicemail"] is True
