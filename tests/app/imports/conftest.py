"""Handing in files to the Flask app on the real stack."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.people import Location

CSV = b"APN,Address\r\n1,1 Oak St\r\n"


@pytest.fixture
def hand_in(team: Location) -> Callable[..., TestResponse]:
    """POST /api/v1/imports as the owner; a field given as None is left out."""

    def send(client: FlaskClient, content: bytes = CSV, **changes: Any) -> TestResponse:
        headers = changes.pop("headers", team.owner.bearer)
        filename = changes.pop("filename", "list.csv")
        form = {"file": (io.BytesIO(content), filename), "list_name": "Leominster", **changes}
        sent = {name: value for name, value in form.items() if value is not None}
        kind = "multipart/form-data"
        return client.post("/api/v1/imports", data=sent, headers=headers, content_type=kind)

    return send
