from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from app.integrations.http import VendorUnknown
from app.integrations.openphone_office import Contacts, Webhooks
from app.integrations.openphone_surface import Surface

HOST = "https://api.example.com"
CONTACT = {"defaultFields": {"firstName": "Ana"}, "externalId": "c1"}


def body_of(api: responses.RequestsMock) -> Any:
    return json.loads(b"".join(api.calls[0].request.body))


def test_contacts_are_found_by_our_id(surface: Surface, api: responses.RequestsMock) -> None:
    api.get(f"{HOST}/v1/contacts", json={"data": [{"id": "x"}]})
    assert Contacts(surface).find("c1", source="crm") == [{"id": "x"}]
    query = parse_qs(urlsplit(str(api.calls[0].request.url)).query)
    assert query == {"externalIds": ["c1"], "sources": ["crm"], "maxResults": ["50"]}


def test_a_contact_is_read_or_is_not_there(surface: Surface, api: responses.RequestsMock) -> None:
    api.get(f"{HOST}/v1/contacts/x", json={"data": {"id": "x"}})
    api.get(f"{HOST}/v1/contacts/y", status=404)
    assert Contacts(surface).get("x") == {"id": "x"}
    assert Contacts(surface).get("y") is None


WRITES: list[tuple[str, str, int, Any, Callable[[Surface], Any], Any]] = [
    ("POST", "/v1/contacts", 201, {"id": "x"}, lambda s: Contacts(s).create(CONTACT), CONTACT),
    (
        "PATCH",
        "/v1/contacts/x",
        200,
        {"id": "x"},
        lambda s: Contacts(s).replace("x", CONTACT),
        CONTACT,
    ),
    (
        "POST",
        "/webhooks",
        201,
        {"key": "whsec_QQ=="},
        lambda s: Webhooks(s).create(
            url="https://crm.example.com/hook", events=["message.received"], label="crm"
        ),
        {
            "url": "https://crm.example.com/hook",
            "events": ["message.received"],
            "resourceIds": ["*"],
            "label": "crm",
        },
    ),
    (
        "PATCH",
        "/webhooks/7",
        200,
        {"id": "7"},
        lambda s: Webhooks(s).update("7", {"status": "disabled"}),
        {"status": "disabled"},
    ),
]


@pytest.mark.parametrize(
    ("method", "path", "status", "data", "call", "body"), WRITES, ids=lambda v: str(v)[:20]
)
def test_each_write_is_made_once(
    surface: Surface,
    api: responses.RequestsMock,
    method: str,
    path: str,
    status: int,
    data: Any,
    call: Callable[[Surface], Any],
    body: Any,
) -> None:
    api.add(method, HOST + path, status=status, json={"data": data})
    assert call(surface) == data
    assert body_of(api) == body
    version = api.calls[0].request.headers.get("Quo-Api-Version")
    assert version == (None if path.startswith("/v1") else "2026-03-30")


def test_a_write_that_fails_is_not_made_again(
    surface: Surface, api: responses.RequestsMock
) -> None:
    api.post(f"{HOST}/v1/contacts", status=500)
    with pytest.raises(VendorUnknown):
        Contacts(surface).create(CONTACT)
    assert len(api.calls) == 1


def test_webhooks_are_listed(surface: Surface, api: responses.RequestsMock) -> None:
    api.get(f"{HOST}/webhooks", json={"data": [{"id": "7"}]})
    assert Webhooks(surface).list() == [{"id": "7"}]


@pytest.mark.parametrize(("key", "told"), [("whsec_QQ==", "whsec_QQ=="), (None, "")])
def test_a_rotated_key_is_told(
    surface: Surface, api: responses.RequestsMock, key: str | None, told: str
) -> None:
    api.post(f"{HOST}/webhooks/7/rotate", json={"data": {"key": key}})
    assert Webhooks(surface).rotate("7") == told
