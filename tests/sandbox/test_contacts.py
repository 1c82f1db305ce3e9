"""Contacts: v1 replaces them whole, the dated surface changes them bit by bit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox_driver import Sandbox

ANA: dict[str, Any] = {
    "defaultFields": {
        "firstName": "Ana",
        "lastName": "Ruiz",
        "phoneNumbers": [{"name": "mobile", "value": "+16175550123"}],
        "emails": [{"name": "work", "value": "ana@example.com"}],
    },
    "customFields": [{"key": "lead-source", "value": "door"}],
    "source": "our-app",
    "externalId": "cust_1",
}


@pytest.fixture
def ana(sandbox: Sandbox) -> str:
    answer = sandbox.v1("POST", "/contacts", json=ANA)
    assert answer.status_code == 201
    return str(answer.json()["data"]["id"])


def test_v1_patch_deletes_what_is_not_given(sandbox: Sandbox, ana: str) -> None:
    change = {"defaultFields": {"lastName": "Ruiz-Ortega"}}
    changed = sandbox.v1("PATCH", f"/contacts/{ana}", json=change).json()["data"]
    assert changed["defaultFields"]["firstName"] == "Ana"
    assert changed["defaultFields"]["lastName"] == "Ruiz-Ortega"
    assert changed["defaultFields"]["phoneNumbers"] == changed["customFields"] == []


def test_dated_patch_leaves_numbers_alone(sandbox: Sandbox, ana: str) -> None:
    answer = sandbox.dated("PATCH", f"/contacts/{ana}", json={"lastName": "Ortega"})
    assert answer.json()["data"]["lastName"] == "Ortega"
    properties = sandbox.dated("GET", f"/contacts/{ana}/properties").json()["data"]
    assert [item["value"] for item in properties] == ["+16175550123", "ana@example.com", "door"]


def test_property_comes_changes_and_goes(sandbox: Sandbox, ana: str) -> None:
    path = f"/contacts/{ana}/properties"
    content = {"type": "phone-number", "name": "home", "value": "+16175550199"}
    made = sandbox.dated("POST", path, json=content)
    assert made.status_code == 200
    one = f"{path}/{made.json()['data']['id']}"
    sandbox.dated("PATCH", one, json={"value": "+16175550198"})
    phones = sandbox.v1("GET", f"/contacts/{ana}").json()["data"]["defaultFields"]["phoneNumbers"]
    assert [item["value"] for item in phones] == ["+16175550123", "+16175550198"]
    assert sandbox.dated("DELETE", one).status_code == 204


def test_external_id_finds_but_is_not_unique(sandbox: Sandbox, ana: str) -> None:
    sandbox.v1("POST", "/contacts", json=ANA)
    query = {"externalIds": "cust_1", "maxResults": 50}
    assert len(sandbox.v1("GET", "/contacts", params=query).json()["data"]) == 2
    dated = {"externalId[in]": "cust_1,cust_2", "limit": 1}
    answer = sandbox.dated("GET", "/contacts", params=dated).json()
    assert len(answer["data"]) == 1 and answer["nextCursor"]


@pytest.mark.parametrize("source", ["openphone", "csv-file", "zapier"])
def test_reserved_source_is_refused(sandbox: Sandbox, source: str) -> None:
    assert sandbox.v1("POST", "/contacts", json=ANA | {"source": source}).status_code == 400


def test_custom_field_must_be_defined(sandbox: Sandbox) -> None:
    keys = [item["key"] for item in sandbox.v1("GET", "/contact-custom-fields").json()["data"]]
    assert "lead-source" in keys
    wrong = ANA | {"customFields": [{"key": "shoe-size", "value": "9"}]}
    assert sandbox.v1("POST", "/contacts", json=wrong).json()["code"] == "0801400"


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"defaultFields": ["Ana"]}, "/body/defaultFields"),
        ({"defaultFields": {"lastName": "Ruiz"}}, "/body/defaultFields/firstName"),
        ({"defaultFields": {"firstName": 7}}, "/body/defaultFields/firstName"),
        ({"customFields": "door"}, "/body/customFields"),
        (
            {"defaultFields": {"firstName": "Ana", "phoneNumbers": ["+16175550123"]}},
            "/body/defaultFields/phoneNumbers",
        ),
    ],
)
def test_what_is_no_contact_is_refused(
    sandbox: Sandbox, content: dict[str, Any], path: str
) -> None:
    answer = sandbox.v1("POST", "/contacts", json=ANA | content)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, path)


def test_webhooks_name_the_contacts_of_a_number(sandbox: Sandbox, ana: str) -> None:
    sandbox.hook("dated", "http://127.0.0.1:9/nobody")
    sandbox.behave(webhooks="held")
    sandbox.customer_texts("+16175550123", "Hi")
    sandbox.v1("DELETE", f"/contacts/{ana}")
    sandbox.customer_texts("+16175550123", "Hi")
    first, deleted, second = sandbox.deliveries()
    assert ana in first["body"] and "matched" in first["body"]
    assert deleted["type"] == "contact.deleted" and "+16175550123" in deleted["body"]
    assert ana not in second["body"]
    assert sandbox.v1("GET", f"/contacts/{ana}").status_code == 404
