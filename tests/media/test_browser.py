"""The browser asks Storage itself for a picture, as its policy allows; no secret in between."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from storage3.exceptions import StorageApiError

from devstack.layout import CHECKOUT
from devstack.stack import Stack
from supabase import Client, ClientOptions, create_client
from tests.media import files
from tests.media.office import Office
from tests.media.shop import Shop
from tests.people import PASSWORD, Person

SCRIPT = Path(__file__).parent / "pictures.cjs"


def client_of(stack: Stack, person: Person, http: httpx.Client) -> Client:
    options = ClientOptions(headers=person.bearer, httpx_client=http, auto_refresh_token=False)
    return create_client(stack.env["SUPABASE_URL"], stack.env["SUPABASE_ANON_KEY"], options)


def test_supabase_py_signs_for_the_office_alone(office: Office, shop: Shop, stack: Stack) -> None:
    row = office.fetch(shop.put("/a.jpg", files.jpeg()))
    with httpx.Client(timeout=30) as http:
        for role, person in office.location.people.items():
            bucket = client_of(stack, person, http).storage.from_("media")
            paths = [row["storage_path"], row["thumb_path"]]
            if role in ("owner", "admin"):
                signed = bucket.create_signed_urls(paths, 60)
                sizes = [len(http.get(str(one["signedUrl"])).content) for one in signed]
                assert sizes[0] == row["bytes"] and 0 < sizes[1] < sizes[0]
                assert bucket.download(paths[0]) == files.jpeg()
            else:
                with pytest.raises(StorageApiError):
                    bucket.create_signed_url(paths[0], 60)


def test_supabase_js_shows_a_picture_and_seeks_in_a_film(
    office: Office, shop: Shop, stack: Stack
) -> None:
    photo = office.fetch(shop.put("/a.heic", files.heic()))
    film = office.fetch(shop.put("/a.mp4", files.film()))
    seen = _run(
        stack,
        office.location.owner,
        conversation=office.conversation,
        film=film["storage_path"],
    )
    assert seen["rows"] == [photo["thumb_path"]], "found through PostgREST, under its policy"
    assert (seen["type"], seen["magic"]) == ("image/jpeg", "ffd8ff")
    assert (seen["status"], seen["range"]) == (206, f"bytes 4-7/{film['bytes']}")
    assert seen["part"] == "ftyp"
    denied = _run(stack, office.location.marketer, conversation=office.conversation, film="x")
    assert denied == {"rows": [], "denied": True}


def _run(stack: Stack, person: Person, **given: Any) -> dict[str, Any]:
    node = CHECKOUT / ".venv" / "bin" / "node"
    told = {
        "url": stack.env["SUPABASE_URL"],
        "anonKey": stack.env["SUPABASE_ANON_KEY"],
        "email": person.email,
        "password": PASSWORD,
        **given,
    }
    done = subprocess.run(
        [str(node) if node.exists() else "node", SCRIPT],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"NODE_PATH": str(CHECKOUT / "devstack" / "node_modules")},
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return seen
