"""Who is calling: a Supabase access token or an API key becomes g.user.

Every route asks for one unless it is marked with @open_to_all. What the caller may do is decided
by Postgres, which gets the same token or key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from flask import Flask, g
from flask.globals import request_ctx

from app.db import is_api_key
from app.errors import AppError, invalid_api_key, invalid_token, signed_out

# A Supabase token has about 1 KB; gunicorn itself takes headers of 8 KB.
LONGEST_TOKEN = 7_000

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class User:
    """The caller: a person, or a program with an API key that acts as the person who made it."""

    id: str
    email: str = field(repr=False)
    token: str = field(repr=False)
    key_id: str | None = None
    key_prefix: str | None = None
    # The one location a key is good for; where a person works is asked of Postgres.
    location_id: str | None = None


class Check(Protocol):
    def user(self, token: str, /) -> User:
        """Raises AppError 401 unless the credential is good."""


def credential(environ: Mapping[str, str]) -> str:
    """The one token or key of a request. Raises AppError 401 for none and 400 for two."""
    key = environ.get("HTTP_X_API_KEY", "")
    bearer = environ.get("HTTP_AUTHORIZATION", "")
    # A header that was sent twice arrives as one, with a comma between.
    if (key and bearer) or "," in key + bearer:
        raise AppError(400, "two_credentials", "The request carries two credentials. Send one.")
    if key and not is_api_key(key):
        raise invalid_api_key()
    return key or _bearer_token(bearer)


def _bearer_token(header: str) -> str:
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise signed_out("missing_token", "Sign in first: this address needs a bearer token.")
    if len(token) > LONGEST_TOKEN:
        raise invalid_token()
    return token


def open_to_all(view: View) -> View:
    """Marks a view that answers without a token."""
    cast(Any, view).open_to_all = True
    return view


def register(app: Flask, tokens: Check, keys: Check) -> None:
    def require_user() -> None:
        # Looked up once: the proxy costs more than what is read of it.
        asked = request_ctx.request
        # A preflight carries no token, and an unknown address is answered by 404.
        if asked.endpoint is None or asked.method == "OPTIONS":
            return
        if not getattr(app.view_functions[asked.endpoint], "open_to_all", False):
            given = credential(asked.environ)
            g.user = (keys if is_api_key(given) else tokens).user(given)

    app.before_request(require_user)


def caller() -> User:
    """The person or program of this request."""
    return cast(User, g.user)
