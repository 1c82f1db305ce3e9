"""What breaks a client, and what does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.openapi.breaking import breaking

Spec = dict[str, Any]

THING: Spec = {
    "type": "object",
    "required": ["id", "state"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "state": {"type": "string", "enum": ["new", "done"]},
        "size": {"type": "integer"},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
        "by_name": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
}
FORM: Spec = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 100},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "size": {"type": ["integer", "null"], "minimum": 1},
        "anything": {},
    },
}
PART: Spec = {"type": "object", "properties": {"no": {"type": "integer"}}}
SPEC: Spec = {
    "security": [{"bearer": []}],
    "components": {
        "schemas": {"Part": {"type": "object", "properties": {"no": {"type": "integer"}}}}
    },
    "paths": {
        "/things": {
            "get": {
                "security": [],
                "parameters": [
                    {"in": "query", "name": "state", "schema": {"type": "string"}},
                ],
                "responses": {"200": {"content": {"text/csv": {"schema": {"type": "string"}}}}},
            },
            "post": {
                "requestBody": {"content": {"application/json": {"schema": FORM}}},
                "responses": {
                    "201": {
                        "headers": {"Location": {}},
                        "content": {"application/json": {"schema": THING}},
                    },
                    "204": {},
                },
            },
        }
    },
}


def changed(change: Callable[[Spec], Any]) -> list[str]:
    new = copy.deepcopy(SPEC)
    change(new)
    return breaking(SPEC, new)


def get(spec: Spec) -> Spec:
    return spec["paths"]["/things"]["get"]


def post(spec: Spec) -> Spec:
    return spec["paths"]["/things"]["post"]


def form(spec: Spec) -> Spec:
    return post(spec)["requestBody"]["content"]["application/json"]["schema"]


def thing(spec: Spec) -> Spec:
    return post(spec)["responses"]["201"]["content"]["application/json"]["schema"]


def part(spec: Spec) -> Spec:
    return spec["components"]["schemas"]["Part"]["properties"]


NEEDED = {"in": "query", "name": "page", "required": True, "schema": {"type": "integer"}}
BREAKING: dict[str, Callable[[Spec], Any]] = {
    "GET /things is gone": lambda s: s["paths"]["/things"].pop("get"),
    "asks for a credential": lambda s: get(s).pop("security"),
    "query parameter page is required": lambda s: get(s)["parameters"].append(NEEDED),
    "query parameter state is gone": lambda s: get(s).pop("parameters"),
    "query parameter state is required": lambda s: get(s)["parameters"][0].update(required=True),
    "query parameter state takes fewer": lambda s: get(s)["parameters"][0].update(
        schema={"type": "string", "enum": ["new"]}
    ),
    "body is required": lambda s: post(s)["requestBody"].update(required=True),
    "body as application/json is taken no more": lambda s: post(s).pop("requestBody"),
    "body.kind is required": lambda s: form(s)["required"].append("kind"),
    "body.more is required": lambda s: form(s)["required"].append("more"),
    "body.kind is taken no more": lambda s: form(s)["properties"].pop("kind"),
    "body.kind takes fewer values": lambda s: form(s)["properties"]["kind"].update(enum=["a"]),
    "body.size takes no integer or null": lambda s: form(s)["properties"]["size"].update(
        type="integer"
    ),
    "body.size has a higher minimum": lambda s: form(s)["properties"]["size"].update(minimum=2),
    "body.name has a lower maxLength": lambda s: form(s)["properties"]["name"].update(maxLength=9),
    "body.name has another pattern": lambda s: form(s)["properties"]["name"].update(pattern="^a"),
    "body.name has another format": lambda s: form(s)["properties"]["name"].update(format="uuid"),
    "body.anything takes no": lambda s: form(s)["properties"]["anything"].update(type="string"),
    "201 is gone": lambda s: post(s)["responses"].pop("201"),
    "201 has no header Location": lambda s: post(s)["responses"]["201"].pop("headers"),
    "200 is no text/csv": lambda s: get(s)["responses"]["200"].pop("content"),
    "201.size is gone": lambda s: thing(s)["properties"].pop("size"),
    "201.id may be missing": lambda s: thing(s).update(required=["state"]),
    "201.id has another format": lambda s: thing(s)["properties"]["id"].pop("format"),
    "201.size may be integer or null": lambda s: thing(s)["properties"]["size"].update(
        type=["integer", "null"]
    ),
    "201.parts[].no may be string": lambda s: part(s).update(no={"type": "string"}),
    "201.by_name[] may be string": lambda s: thing(s)["properties"]["by_name"].update(
        additionalProperties={"type": "string"}
    ),
}
ADDED: dict[str, Callable[[Spec], Any]] = {
    "nothing": lambda s: None,
    "a path": lambda s: s["paths"].update({"/others": {"get": {"responses": {}}}}),
    "a method": lambda s: s["paths"]["/things"].update({"put": {"responses": {}}}),
    "a parameter": lambda s: get(s)["parameters"].append(NEEDED | {"required": False}),
    "a field": lambda s: form(s)["properties"].update(more={"type": "string"}),
    "a value one may send": lambda s: form(s)["properties"]["kind"]["enum"].append("c"),
    "a field need not be sent": lambda s: form(s).update(required=[]),
    "any number may be sent": lambda s: form(s)["properties"]["size"].update(
        type=["number", "null"], minimum=0
    ),
    "an answer": lambda s: post(s)["responses"].update({"409": {}}),
    "a field in an answer": lambda s: thing(s)["properties"].update(more={"type": "string"}),
    "a promise in an answer": lambda s: thing(s).update(required=["id", "state", "size"]),
    "a value in an answer": lambda s: thing(s)["properties"]["state"]["enum"].append("lost"),
    "open to all": lambda s: post(s).update(security=[]),
    "words": lambda s: thing(s).update(description="Another.", example={}),
}


@pytest.mark.parametrize("words", BREAKING)
def test_what_breaks_a_client_is_told(words: str) -> None:
    (told,) = changed(BREAKING[words])
    assert words in told


@pytest.mark.parametrize("words", ADDED)
def test_what_is_added_breaks_nobody(words: str) -> None:
    assert changed(ADDED[words]) == []


def test_what_cannot_be_compared_stops_the_comparison() -> None:
    with pytest.raises(ValueError, match="oneOf"):
        changed(lambda s: thing(s).update(oneOf=[]))
