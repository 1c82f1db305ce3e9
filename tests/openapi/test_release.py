"""The description of the API: whole, true to its own examples, and never broken."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from app import refusals
from tests.openapi import release
from tests.openapi.breaking import VERBS, breaking

Spec = dict[str, Any]
PROBLEM = "application/problem+json"
RENEW = "python -m tests.openapi.release"


@cache
def spec() -> Spec:
    return release.described()


def operations() -> Iterator[tuple[str, Spec]]:
    for path, item in spec()["paths"].items():
        for verb in VERBS:
            if verb in item:
                yield f"{verb.upper()} {path}", item[verb]


def api() -> list[tuple[str, Spec]]:
    return [(name, told) for name, told in operations() if " /api/" in name]


def test_no_client_of_the_last_release_breaks() -> None:
    assert breaking(release.released(), spec()) == []


def test_the_released_description_is_this_one() -> None:
    assert release.released() == spec(), f"additive? {RENEW}"


def contents() -> Iterator[tuple[str, Spec]]:
    for name, told in operations():
        for media, content in told.get("requestBody", {}).get("content", {}).items():
            yield f"{name} {media}", content
        for status, answer in told["responses"].items():
            for media, content in answer.get("content", {}).items():
                yield f"{name} {status} {media}", content


def examples(content: Spec) -> list[Any]:
    given = [content["example"]] if "example" in content else []
    return given + [example["value"] for example in content.get("examples", {}).values()]


def test_every_example_is_what_its_schema_says() -> None:
    for name, content in contents():
        schema = {**content["schema"], "components": spec()["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        for example in examples(content):
            assert [error.message for error in validator.iter_errors(example)] == [], name


def test_every_answer_and_every_body_has_an_example() -> None:
    without = [name for name, content in contents() if not examples(content)]
    # A file is chosen, not written down.
    assert [name for name in without if " /api/" in name] == [
        "POST /api/v1/imports multipart/form-data"
    ]


@pytest.mark.parametrize(("name", "told"), api(), ids=lambda part: part if "/" in part else "")
def test_every_refusal_is_told_under_its_status(name: str, told: Spec) -> None:
    codes = set()
    for status, answer in told["responses"].items():
        for code, example in answer.get("content", {}).get(PROBLEM, {}).get("examples", {}).items():
            assert example["value"]["code"] == code
            assert refusals.KNOWN[code][0] == int(status) == example["value"]["status"]
            codes.add(code)
    assert codes >= set(refusals.ANYWHERE)


def test_every_known_refusal_is_told_somewhere() -> None:
    told = {
        code
        for _, content in contents()
        for code, example in content.get("examples", {}).items()
        if "code" in example["value"]
    }
    assert told == set(refusals.KNOWN)


def test_every_post_that_creates_honours_the_idempotency_key() -> None:
    creating = {
        name
        for name, told in api()
        if name.startswith("POST") and {"201", "202"} & told["responses"].keys()
    }
    honouring = {
        name
        for name, told in api()
        if any(p["name"] == "Idempotency-Key" for p in told.get("parameters", []))
    }
    assert creating == honouring != set()
