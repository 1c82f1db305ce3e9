"""The way to PostgREST: keys, headers, streaming, and what happens when something is down."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from postgrest.exceptions import APIError

from devstack.layout import CHECKOUT
from devstack.processes import wait_until
from devstack.stack import Stack
from supabase import Client
from tests.devstack import gateway_process
from tests.devstack.conftest import Person
from tests.devstack.gateway_process import Gateway

TABLE = "gateway_things"
SOON_S = 15.0


@pytest.fixture(scope="module")
def schema(gateway: Gateway) -> Iterator[None]:
    """A table in public that every signed-in person reads, and two functions."""
    gateway.sql(f"""
        create table public.{TABLE} (id int primary key, name text);
        grant select on public.{TABLE} to authenticated;
        revoke all on public.{TABLE} from anon;
        alter table public.{TABLE} disable row level security;
        grant all on public.{TABLE} to service_role;
        create function public.gateway_count(rows jsonb) returns int language sql
            as 'select jsonb_array_length(rows)';
        create function public.gateway_whoami() returns jsonb language sql
            as 'select jsonb_build_object(''role'', current_user, ''sub'', auth.uid())';
        notify pgrst, 'reload schema';
    """)
    known, bearer = f"{gateway.env['POSTGREST_URL']}/rpc/gateway_whoami", gateway.service_key
    headers = {"Authorization": f"Bearer {bearer}"}
    assert wait_until(lambda: httpx.get(known, headers=headers).status_code == 200, SOON_S)
    yield
    gateway.sql(f"""
        drop table public.{TABLE};
        drop function public.gateway_count(jsonb), public.gateway_whoami();
        notify pgrst, 'reload schema';
    """)


@pytest.fixture
def table(gateway: Gateway, schema: None) -> str:
    """Holds 25 rows, `thing 1` to `thing 25`."""
    gateway.sql(
        f"truncate public.{TABLE}; insert into public.{TABLE}"
        " select n, 'thing ' || n from generate_series(1, 25) n"
    )
    return TABLE


def ask(gateway: Gateway, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    return httpx.request(
        method, f"{gateway.url}{path}", headers={"apikey": gateway.service_key} | headers
    )


def test_request_without_a_key_is_turned_away(gateway: Gateway) -> None:
    refused = httpx.get(f"{gateway.url}/rest/v1/{TABLE}")
    assert refused.status_code == 401
    assert refused.json()["message"] == "No API key found in request"


@pytest.mark.parametrize("path", ["/rest/v1/x", "/auth/v1/user", "/storage/v1/bucket"])
def test_request_with_an_unknown_key_is_turned_away(gateway: Gateway, path: str) -> None:
    refused = ask(gateway, path, apikey="made-up")
    assert (refused.status_code, refused.json()["message"]) == (401, "Invalid API key")


def test_bearer_defaults_to_the_key_and_a_user_is_himself(
    gateway: Gateway,
    service: Client,
    sign_in: Callable[[Person], Client],
    person: Person,
    table: str,
) -> None:
    asked = [c.rpc("gateway_whoami", {}).execute().data for c in (service, sign_in(person))]
    bare = ask(gateway, "/rest/v1/rpc/gateway_whoami", apikey=gateway.service_key)
    assert [*asked, bare.json()] == [
        {"role": "service_role", "sub": None},
        {"role": "authenticated", "sub": person.id},
        {"role": "service_role", "sub": None},
    ]


def test_supabase_py_counts_pages_and_writes(
    service: Client, sign_in: Callable[[Person], Client], person: Person, table: str
) -> None:
    reader = sign_in(person)
    page = reader.table(table).select("*", count="exact").order("id").range(10, 14).execute()  # type: ignore[arg-type]
    assert page.count == 25 and [row["id"] for row in page.data] == [11, 12, 13, 14, 15]
    assert reader.table(table).select("*", count="exact", head=True).execute().count == 25  # type: ignore[arg-type]
    made = (
        service.table(table).upsert([{"id": 1, "name": "ONE"}, {"id": 26, "name": "x"}]).execute()
    )
    assert len(made.data) == 2
    with pytest.raises(APIError) as refused:
        reader.table(table).delete().eq("id", 1).execute()
    assert refused.value.code == "42501"


def test_supabase_js_counts_pages_and_calls(gateway: Gateway, person: Person, table: str) -> None:
    seen = gateway.run_js("rest", table=table, email=person.email, password=person.password)
    assert seen["page"] == [11, 12, 13] and seen["count"] == 25 and seen["headCount"] == 25
    assert seen["rpc"] == 2000 and seen["refused"] == "42501" and seen["filtered"] == ["thing 7"]


def test_headers_pass_in_both_directions(gateway: Gateway, table: str) -> None:
    answer = ask(
        gateway,
        f"/rest/v1/{table}?select=id&name=like.thing%201*&order=id",
        Range="0-2",
        Prefer="count=exact",
        **{"Accept-Profile": "public", "Accept": "text/csv"},
    )
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == "0-2/11"
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.text.splitlines() == ["id", "1", "10", "11"]
    wrong = ask(gateway, f"/rest/v1/{table}", **{"Accept-Profile": "nowhere"})
    assert (wrong.status_code, wrong.json()["code"]) == (406, "PGRST106")


def test_head_has_the_headers_and_no_body(gateway: Gateway, table: str) -> None:
    answer = ask(gateway, f"/rest/v1/{table}", "HEAD", Prefer="count=exact")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Range"] == "0-24/25"


def test_browsers_are_allowed_from_anywhere(gateway: Gateway, table: str) -> None:
    preflight = httpx.options(
        f"{gateway.url}/rest/v1/{table}",
        headers={
            "Origin": "http://localhost:3000",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "apikey,prefer,x-mine",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    assert "x-mine" in preflight.headers["Access-Control-Allow-Headers"]
    answer = ask(gateway, f"/rest/v1/{table}", Origin="http://localhost:3000")
    assert answer.headers.get_list("Access-Control-Allow-Origin") == ["*"]
    assert "Content-Range" in answer.headers["Access-Control-Expose-Headers"]


def test_large_calls_pass_quickly(gateway: Gateway, service: Client, table: str) -> None:
    """About 1 MB each; the way through the gateway may not cost much beside the call itself."""
    rows = [{"id": n, "name": "x" * 1000} for n in range(1000)]

    def best_s(url: str) -> float:
        took = []
        headers = {"apikey": gateway.service_key, "Authorization": f"Bearer {gateway.service_key}"}
        with httpx.Client(headers=headers) as client:
            for _ in range(8):
                began = time.perf_counter()
                assert client.post(f"{url}/rpc/gateway_count", json={"rows": rows}).json() == 1000
                took.append(time.perf_counter() - began)
        return min(took)

    direct, through = best_s(gateway.env["POSTGREST_URL"]), best_s(f"{gateway.url}/rest/v1")
    assert through < direct + 0.05
    assert service.rpc("gateway_count", {"rows": rows}).execute().data == 1000


def test_long_addresses_pass(service: Client, table: str) -> None:
    many = service.table(table).select("id").in_("id", list(range(1, 6000))).execute()
    assert len(many.data) == 25


def test_postgrest_down_is_said_at_once_and_its_return_noticed(
    gateway: Gateway, stack: Stack, table: str
) -> None:
    pid = stack.pid("postgrest")
    stack.kill("postgrest", signal.SIGKILL)
    assert wait_until(lambda: stack.pid("postgrest") != pid, SOON_S)
    seen: list[httpx.Response] = []

    def answered() -> bool:
        seen.append(ask(gateway, f"/rest/v1/{table}?limit=1"))
        return seen[-1].status_code == 200

    assert wait_until(answered, SOON_S)
    assert all(r.elapsed.total_seconds() < 3 for r in seen)
    assert {r.status_code for r in seen} <= {200, 503}
    assert all(r.json()["message"] for r in seen if r.status_code == 503)


def test_unreachable_postgrest_is_503_json(stack: Stack, tmp_path: Path) -> None:
    env = gateway_process.environment(stack.env, tmp_path)
    env["POSTGREST_URL"] = f"http://127.0.0.1:{gateway_process.free_port()}"
    process = gateway_process.start(env, tmp_path)
    try:
        gateway_process.wait_ready(process, env["SUPABASE_URL"], tmp_path)
        answer = httpx.get(
            f"{env['SUPABASE_URL']}/rest/v1/x", headers={"apikey": env["SUPABASE_ANON_KEY"]}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "PGRST000")
    finally:
        process.terminate()
        process.wait(10)
    assert "for development only" in (tmp_path / "gateway.log").read_text().splitlines()[0]


def test_postgres_restart_is_survived(
    gateway: Gateway, stack: Stack, service: Client, person: Person
) -> None:
    stack.restart("postgres")
    seen: list[httpx.Response] = []

    def answered() -> bool:
        seen.append(
            httpx.get(
                f"{gateway.url}/auth/v1/admin/users/{person.id}",
                headers={"apikey": gateway.service_key},
            )
        )
        return seen[-1].status_code == 200

    assert wait_until(answered, SOON_S)
    assert {r.status_code for r in seen} <= {200, 503}
    assert service.auth.admin.get_user_by_id(person.id).user.id == person.id


@pytest.mark.parametrize("name", ["APP_ENV", "ENV", "FLASK_ENV"])
def test_production_is_refused(name: str, stack: Stack, tmp_path: Path) -> None:
    env = gateway_process.environment(stack.env, tmp_path) | {name: "production"}
    done = subprocess.run(
        [sys.executable, "-m", "devstack.gateway"],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode != 0 and name in done.stderr and "development" in done.stderr


def test_missing_settings_are_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "devstack.gateway"],
        cwd=CHECKOUT,
        env={"GATEWAY_PORT": "1"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode != 0
    assert "SUPABASE_JWT_SECRET" in done.stderr and "Traceback" not in done.stderr


def test_unknown_path_is_a_json_404(gateway: Gateway) -> None:
    answer = ask(gateway, f"/{uuid4().hex}")
    assert answer.status_code == 404 and answer.json()["message"]
