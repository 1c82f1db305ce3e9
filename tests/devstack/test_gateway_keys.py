"""Publishable and secret keys beside the legacy ones, and what reaches PostgREST of a request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from devstack.processes import wait_until
from devstack.services import environment
from devstack.stack import Stack
from supabase import Client
from tests.devstack import gateway_process
from tests.devstack.conftest import Person
from tests.devstack.gateway_process import Gateway
from tests.devstack.rooms import Room, connected, in_time

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"


def publishable(gateway: Gateway) -> str:
    return gateway.env["SUPABASE_PUBLISHABLE_KEY"]


def secret(gateway: Gateway) -> str:
    return gateway.env["SUPABASE_SECRET_KEY"]


def ask(gateway: Gateway, path: str, key: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{gateway.url}{path}", headers={"apikey": key} | headers)


def test_keys_look_like_supabases_and_are_not_given_to_the_web(stack: Stack) -> None:
    assert stack.env["SUPABASE_PUBLISHABLE_KEY"].startswith("sb_publishable_")
    assert stack.env["SUPABASE_SECRET_KEY"].startswith("sb_secret_")
    web = environment(stack.folder, stack.env, "web")
    assert not {"SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"} & web.keys()


@pytest.mark.parametrize("repeated", [False, True])
def test_secret_key_is_the_service_role_everywhere(gateway: Gateway, repeated: bool) -> None:
    key = secret(gateway)
    headers = {"Authorization": f"Bearer {key}"} if repeated else {}
    for path in ("/auth/v1/admin/users", "/storage/v1/bucket", "/rest/v1/locations?select=id"):
        assert ask(gateway, path, key, **headers).status_code == 200, path


@pytest.mark.parametrize("repeated", [False, True])
def test_publishable_key_is_anon_everywhere(gateway: Gateway, repeated: bool) -> None:
    key = publishable(gateway)
    headers = {"Authorization": f"Bearer {key}"} if repeated else {}
    assert ask(gateway, "/auth/v1/admin/users", key, **headers).status_code == 403
    refused = ask(gateway, "/rest/v1/locations?select=id", key, **headers)
    legacy = ask(gateway, "/rest/v1/locations?select=id", gateway.anon_key)
    assert (refused.status_code, refused.json()) == (legacy.status_code, legacy.json())
    assert refused.json()["code"] == "42501"


def test_publishable_key_and_a_person(
    gateway: Gateway, new_client: Callable[..., Client], person: Person
) -> None:
    client = new_client(publishable(gateway))
    client.auth.sign_in_with_password({"email": person.email, "password": person.password})
    assert client.rpc("my_access").execute().data == []


def test_supabase_js_works_with_both_keys(gateway: Gateway, person: Person) -> None:
    seen = gateway.run_js(
        "auth",
        email=person.email,
        password=person.password,
        anonKey=publishable(gateway),
        serviceKey=secret(gateway),
    )
    assert seen["userId"] == person.id and seen["listed"] and seen["deleted"]


@pytest.mark.parametrize("name", ["anon_key", "publishable"])
def test_realtime_takes_the_key(gateway: Gateway, name: str, topic: str) -> None:
    key = publishable(gateway) if name == "publishable" else gateway.anon_key

    async def join() -> str:
        async with connected(gateway, key) as client:
            return (await Room(client, topic, private=False).join())[0]

    assert in_time(join()) == "SUBSCRIBED"


def test_secret_key_from_a_browser_is_refused(gateway: Gateway) -> None:
    for path in ("/rest/v1/", "/auth/v1/admin/users", "/storage/v1/bucket"):
        refused = ask(gateway, path, secret(gateway), **{"User-Agent": BROWSER})
        assert refused.status_code == 401
        assert refused.json()["message"] == "Forbidden use of secret API key in browser"
    passed = ask(gateway, "/auth/v1/settings", publishable(gateway), **{"User-Agent": BROWSER})
    assert passed.status_code == 200


def test_opaque_keys_are_no_tokens(gateway: Gateway) -> None:
    for path in ("/auth/v1/admin/users", "/storage/v1/bucket", "/rest/v1/locations?select=id"):
        headers = {"Authorization": f"Bearer {secret(gateway)}"}
        borrowed = ask(gateway, path, publishable(gateway), **headers)
        assert borrowed.status_code in (400, 401, 403), path
        unknown = ask(gateway, path, "sb_secret_unknown")
        assert (unknown.status_code, unknown.json()["message"]) == (401, "Invalid API key")


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """(address, headers of each request) of something that stands where PostgREST stands."""
    heard: list[dict[str, str]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps([]).encode())

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_headers_reach_postgrest_untouched(stack: Stack, tmp_path: Path) -> None:
    with listening() as (address, heard):
        env = gateway_process.environment(stack.env, tmp_path) | {"POSTGREST_URL": address}
        process = gateway_process.start(env, tmp_path)
        try:
            gateway_process.wait_ready(process, env["SUPABASE_URL"], tmp_path)
            key = env["SUPABASE_PUBLISHABLE_KEY"]
            headers = {"apikey": key, "X-Api-Key": "aac_0_Ab-_%20", "X-Request-Id": "r-1"}
            httpx.get(f"{env['SUPABASE_URL']}/rest/v1/x", headers=headers)
        finally:
            process.terminate()
            process.wait(10)
    (seen,) = heard
    assert seen["x-api-key"] == "aac_0_Ab-_%20" and seen["x-request-id"] == "r-1"
    assert seen["authorization"] == f"Bearer {env['SUPABASE_ANON_KEY']}"


@pytest.mark.parametrize("path", ["/rest/v1/rpc/my_access", "/rest/v1/locations?select=id"])
def test_door_of_the_migrations_is_asked_before_every_request(gateway: Gateway, path: str) -> None:
    """PostgREST has taken up pgrst.db_pre_request, though it started before the migrations."""
    for key in (gateway.anon_key, publishable(gateway)):
        refused = ask(gateway, path, key, **{"X-Api-Key": "aac_00000000_unknown"})
        assert (refused.status_code, refused.json()["message"]) == (401, "invalid_api_key")


def test_later_up_takes_what_a_migration_set(
    stack: Stack, gateway: Gateway, admin_db: psycopg.Connection[Any]
) -> None:
    def rows() -> int:
        url = "/rest/v1/location_members?select=role"
        return len(ask(gateway, url, gateway.service_key).json())

    assert rows() > 1
    admin_db.execute("alter role authenticator set pgrst.db_max_rows = '1'")
    try:
        stack.up(only=["postgres", "postgrest"])
        assert wait_until(lambda: rows() == 1, 10)
    finally:
        admin_db.execute("alter role authenticator reset pgrst.db_max_rows")
        stack.up(only=["postgres", "postgrest"])
    assert wait_until(lambda: rows() > 1, 10)
