"""What in a new description of the API breaks a client of the old one.

Requests may only become freer, answers only stricter. Additive and allowed: paths, methods,
optional parameters and fields, more fields in answers, more values in an answer's enum, statuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Spec = dict[str, Any]

VERBS = ("get", "post", "put", "patch", "delete")
# A keyword that is not named here would be passed over, so it stops the comparison instead.
COMPARED = {"$ref", "type", "enum", "properties", "required", "items", "format", "pattern"}
LOWER, UPPER = ("minLength", "minimum", "minItems"), ("maxLength", "maximum", "maxItems")
MORE = {*LOWER, *UPPER, "additionalProperties"}
WORDS = {"description", "example", "examples", "default", "title"}


def breaking(old: Spec, new: Spec) -> list[str]:
    return list(_Comparison(old, new).paths())


class _Comparison:
    def __init__(self, old: Spec, new: Spec) -> None:
        self.old, self.new = old, new

    def paths(self) -> Iterator[str]:
        for path, item in self.old["paths"].items():
            for verb in (verb for verb in VERBS if verb in item):
                where = f"{verb.upper()} {path}"
                there = self.new["paths"].get(path, {}).get(verb)
                if there is None:
                    yield f"{where} is gone"
                else:
                    yield from self.operation(where, item[verb], there)

    def operation(self, where: str, old: Spec, new: Spec) -> Iterator[str]:
        if not self.asks(self.old, old) and self.asks(self.new, new):
            yield f"{where} asks for a credential now"
        yield from self.parameters(where, old, new)
        yield from self.body(where, old.get("requestBody"), new.get("requestBody"))
        yield from self.responses(where, old["responses"], new["responses"])

    @staticmethod
    def asks(spec: Spec, operation: Spec) -> bool:
        return bool(operation.get("security", spec.get("security", [])))

    def parameters(self, where: str, old: Spec, new: Spec) -> Iterator[str]:
        before, after = (
            {(p["in"], p["name"].lower()): p for p in operation.get("parameters", [])}
            for operation in (old, new)
        )
        for key, parameter in after.items():
            known = before.get(key, {})
            if parameter.get("required") and not known.get("required"):
                yield f"{where}: {key[0]} parameter {key[1]} is required now"
        for key, parameter in before.items():
            at = f"{where}: {key[0]} parameter {key[1]}"
            if key not in after:
                yield f"{at} is gone"
            else:
                yield from self.request(at, parameter["schema"], after[key]["schema"])

    def body(self, where: str, old: Spec | None, new: Spec | None) -> Iterator[str]:
        at = f"{where}: body"
        if new and new.get("required") and not (old or {}).get("required"):
            yield f"{at} is required now"
        for media, content in (old or {}).get("content", {}).items():
            there = (new or {}).get("content", {}).get(media)
            if there is None:
                yield f"{at} as {media} is taken no more"
            else:
                yield from self.request(at, content["schema"], there["schema"])

    def responses(self, where: str, old: Spec, new: Spec) -> Iterator[str]:
        for status, response in old.items():
            at = f"{where}: {status}"
            if status not in new:
                yield f"{at} is gone"
                continue
            there = new[status]
            for header in response.get("headers", {}):
                if header not in there.get("headers", {}):
                    yield f"{at} has no header {header} any more"
            for media, content in response.get("content", {}).items():
                if media not in there.get("content", {}):
                    yield f"{at} is no {media} any more"
                elif "schema" in content:
                    other = there["content"][media].get("schema", {})
                    yield from self.answer(at, content["schema"], other)

    def request(self, at: str, old: Spec, new: Spec) -> Iterator[str]:
        """What a client sends must still be taken."""
        old, new = self.resolved(self.old, old), self.resolved(self.new, new)
        if not _covers(_types(new), _types(old)):
            yield f"{at} takes no {' or '.join(sorted(_types(old)))} any more"
        if "enum" in new and not set(old.get("enum", [object()])) <= set(new["enum"]):
            yield f"{at} takes fewer values"
        for keyword in ("pattern", "format"):
            if keyword in new and new[keyword] != old.get(keyword):
                yield f"{at} has another {keyword}"
        yield from _bounds(at, old, new)
        for name in sorted(set(new.get("required", [])) - set(old.get("required", []))):
            yield f"{at}.{name} is required now"
        for name in sorted(old.get("properties", {}).keys() - new.get("properties", {}).keys()):
            yield f"{at}.{name} is taken no more"
        yield from self.inside(at, old, new, self.request)

    def answer(self, at: str, old: Spec, new: Spec) -> Iterator[str]:
        """What a client reads must still be there, and be what it was."""
        old, new = self.resolved(self.old, old), self.resolved(self.new, new)
        if not _covers(_types(old), _types(new)):
            yield f"{at} may be {' or '.join(sorted(_types(new)))} now"
        if "format" in old and new.get("format") != old["format"]:
            yield f"{at} has another format"
        gone = old.get("properties", {}).keys() - new.get("properties", {}).keys()
        for name in sorted(gone):
            yield f"{at}.{name} is gone"
        for name in sorted(set(old.get("required", [])) - set(new.get("required", [])) - gone):
            yield f"{at}.{name} may be missing now"
        yield from self.inside(at, old, new, self.answer)

    def inside(self, at: str, old: Spec, new: Spec, compare: Any) -> Iterator[str]:
        for name in sorted(old.get("properties", {}).keys() & new.get("properties", {}).keys()):
            yield from compare(f"{at}.{name}", old["properties"][name], new["properties"][name])
        for keyword in ("items", "additionalProperties"):
            if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
                yield from compare(f"{at}[]", old[keyword], new[keyword])

    def resolved(self, spec: Spec, schema: Spec) -> Spec:
        while "$ref" in schema:
            found: Any = spec
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        unknown = schema.keys() - COMPARED - MORE - WORDS
        if unknown:
            raise ValueError(f"teach tests/openapi/breaking.py to compare {sorted(unknown)}")
        return schema


def _types(schema: Spec) -> set[str]:
    found = schema.get("type", [])
    return {found} if isinstance(found, str) else set(found)


def _covers(wide: set[str], narrow: set[str]) -> bool:
    """No type at all is every type; each integer is a number."""
    given = wide | ({"integer"} if "number" in wide else set())
    return not wide or (bool(narrow) and narrow <= given)


def _bounds(at: str, old: Spec, new: Spec) -> Iterator[str]:
    for keyword in LOWER:
        if new.get(keyword, float("-inf")) > old.get(keyword, float("-inf")):
            yield f"{at} has a higher {keyword}"
    for keyword in UPPER:
        if new.get(keyword, float("inf")) < old.get(keyword, float("inf")):
            yield f"{at} has a lower {keyword}"
