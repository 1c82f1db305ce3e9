"""/openapi.json by flask-smorest, and /docs: a page of our own that works without the internet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask_smorest
from flask import Blueprint, Flask, Request, Response, send_from_directory
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict

from app import refusals
from app.auth import open_to_all
from app.errors import AppError

PAGE = Path(__file__).parent / "docs_page"
DESCRIPTION = (
    "What a browser must not do itself. Everything else is read and written through Supabase. "
    "Send the Supabase access token as a bearer token, or an API key as X-Api-Key; every failure "
    "has the same body. A POST that creates honours Idempotency-Key: sent again within 24 hours "
    "with the same key and body, it creates nothing more and answers the same."
)
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
API_KEY = {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "A new one for each request, such as a UUID; the same for its repetition.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "6a1f0d3e-2b7c-4e85-9c11-3f5d8a9e7b20",
}

View = Callable[..., Any]


class FieldErrorSchema(Schema):
    field = fields.String(required=True, metadata={"description": "Name of the field."})
    message = fields.String(required=True, metadata={"description": "What is wrong with it."})


class Problem(Schema):
    """The body of every failure (RFC 9457)."""

    type = fields.String(required=True, metadata={"example": "about:blank"})
    title = fields.String(required=True, metadata={"description": "The status in words."})
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What is wrong, what to do."})
    code = fields.String(required=True, metadata={"description": "Stable; rely on this one."})
    request_id = fields.String(required=True, metadata={"description": "Give it to support."})
    errors = fields.List(fields.Nested(FieldErrorSchema))


class _Parser(FlaskParser):
    """Refuses what it does not know, and reads a form with its files as one body."""

    __location_map__ = {**FlaskParser.__location_map__, "multipart": "load_multipart"}
    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}

    def load_json(self, req: Request, schema: Schema) -> Any:
        """Raises AppError 415 for a body that is not called JSON, 400 for one nobody can read."""
        if req.mimetype != "application/json":
            raise AppError(415, "unsupported_media_type", "Send the fields as application/json.")
        try:
            body = super().load_json(req, schema)
            json.dumps(body, ensure_ascii=False, default=str).encode()
        except (RecursionError, UnicodeEncodeError) as error:
            # Brackets nested deeper than Python reads; half of a character, which no UTF-8 has.
            detail = "The request could not be understood."
            raise AppError(400, "bad_request", detail) from error
        return body

    def load_multipart(self, req: Request, schema: Schema) -> Any:
        """Form fields and files together. Raises AppError 415 when the body is no such form."""
        if req.mimetype != "multipart/form-data":
            detail = "Send the file and its fields as multipart/form-data."
            raise AppError(415, "unsupported_media_type", detail)
        body: MultiDict[str, Any] = MultiDict(req.form)
        body.update(req.files)
        twice = {name: ["Send this field once."] for name, all_ in body.lists() if len(all_) > 1}
        if twice:
            raise ValidationError(twice)
        return self._makeproxy(body, schema)


class Api(flask_smorest.Api):
    ERROR_SCHEMA = Problem
    # Each route says itself how it may fail; whatever else it answered would be a defect.
    DEFAULT_ERROR_RESPONSE_NAME = None


class ApiBlueprint(flask_smorest.Blueprint):
    """A blueprint whose routes may take location="multipart"."""

    ARGUMENTS_PARSER = _Parser()
    DEFAULT_LOCATION_CONTENT_TYPE_MAPPING = {
        **flask_smorest.Blueprint.DEFAULT_LOCATION_CONTENT_TYPE_MAPPING,
        "multipart": "multipart/form-data",
    }

    def problems(self, *codes: str) -> Callable[[View], View]:
        """Documents the refusals of a route, beside those that may come from any."""

        def decorate(view: View) -> View:
            documented = _documentation(view).setdefault("response", {}).setdefault("responses", {})
            for status, found in refusals.by_status((*refusals.ANYWHERE, *codes)).items():
                documented.setdefault(status, []).append(_problem_response(status, found))
            return view

        return decorate

    def idempotent(self, view: View) -> View:
        """Documents that a route honours Idempotency-Key."""
        manual = _documentation(view).setdefault("manual_doc", {})
        manual.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        return view


def _documentation(view: View) -> dict[str, Any]:
    """Where flask-smorest keeps what its decorators say; those it wraps later copy it."""
    found: dict[str, Any] = view.__dict__.setdefault("_apidoc", {})
    return found


RETRY_AFTER = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds."}}
CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "RFC 6750."}}
HEADERS = {401: CHALLENGE, 429: RETRY_AFTER, 503: RETRY_AFTER}


def _problem_response(status: int, codes: list[str]) -> dict[str, Any]:
    return {
        "schema": Problem(),
        "headers": HEADERS.get(status, {}),
        "description": HTTPStatus(status).phrase,
        "content_type": "application/problem+json",
        "examples": {code: {"value": refusals.body(code)} for code in codes},
    }


docs = Blueprint("docs", __name__)


@docs.get("/docs")
@open_to_all
def page() -> Response:
    return send_from_directory(PAGE, "index.html")


@docs.get("/docs/<any('docs.css', 'docs.js'):name>")
@open_to_all
def part(name: str) -> Response:
    return send_from_directory(PAGE, name)


def register(app: Flask, blueprints: Iterable[ApiBlueprint]) -> None:
    app.config.update(
        API_TITLE="Attack-a-Crack CRM",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "security": [{"bearer": []}, {"api_key": []}],
            "info": {"description": DESCRIPTION},
        },
    )
    api = Api(app)
    api.spec.components.security_scheme("bearer", BEARER)
    api.spec.components.security_scheme("api_key", API_KEY)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    spec = "api-docs.openapi_json"
    # A bound method takes no mark of its own, a partial does.
    app.view_functions[spec] = open_to_all(partial(app.view_functions[spec]))
    app.register_blueprint(docs)
