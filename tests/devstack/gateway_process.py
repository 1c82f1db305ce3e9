"""A gateway of the tests' own, on the stack's PostgreSQL and PostgREST: its settings are ours."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import DictRow, dict_row

from devstack.layout import CHECKOUT
from devstack.processes import wait_until

READY_WITHIN_S = 20.0
SCRIPT_LIMIT_S = 60.0
CONFIG = """
[auth]
site_url = "https://crm.example.com"
additional_redirect_urls = ["https://*.preview.example.com/**"]
enable_signup = false
refresh_token_reuse_interval = 10
[auth.email]
enable_confirmations = true
otp_length = 8
otp_expiry = 600
max_frequency = "60s"
[auth.mfa.totp]
enroll_enabled = true
verify_enabled = true
[auth.hook.custom_access_token]
enabled = true
uri = "pg-functions://postgres/gw_test/hook"
[storage]
file_size_limit = "400MiB"
"""
SCRATCH = """
drop schema if exists gw_test cascade;
create schema gw_test;
grant usage on schema gw_test to supabase_auth_admin, anon, authenticated, service_role;
create function gw_test.hook(event jsonb) returns jsonb language plpgsql as $$
declare
    address text := event #>> '{claims,email}';
begin
    if address like 'broken%' then raise exception 'the hook is broken'; end if;
    if address like 'refused%' then
        return '{"error": {"http_code": 403, "message": "Not today"}}';
    end if;
    if address like 'partial%' then return event #- '{claims,sub}'; end if;
    return jsonb_set(event, '{claims,app_metadata,hooked}',
                     to_jsonb(event ->> 'authentication_method' || ' as ' || current_user));
end
$$;
"""


@dataclass(frozen=True)
class Gateway:
    env: dict[str, str]
    pid: int
    folder: Path

    @property
    def url(self) -> str:
        return self.env["SUPABASE_URL"]

    @property
    def anon_key(self) -> str:
        return self.env["SUPABASE_ANON_KEY"]

    @property
    def service_key(self) -> str:
        return self.env["SUPABASE_SERVICE_ROLE_KEY"]

    def mails(self, to: str) -> list[dict[str, Any]]:
        """Newest first: type, subject, link, code, token_hash, text, html, at."""
        return list(httpx.get(f"{self.url}/mails", params={"to": to}).raise_for_status().json())

    def auth(self, path: str, key: str | None = None, **body: Any) -> httpx.Response:
        """POST to Auth with the anon key or another one."""
        headers = {"apikey": key or self.anon_key}
        return httpx.post(f"{self.url}/auth/v1{path}", json=body, headers=headers)

    def sql(self, query: str, values: Any = None) -> list[DictRow]:
        """As superuser, each call a transaction of its own."""
        with psycopg.connect(self.env["ADMIN_DATABASE_URL"], row_factory=dict_row) as connection:
            done = connection.execute(query, values)
            return done.fetchall() if done.description else []

    def run_js(self, script: str, **given: Any) -> dict[str, Any]:
        """What js/<script>.cjs prints, which drives @supabase/supabase-js."""
        node = CHECKOUT / ".venv" / "bin" / "node"
        told = {"url": self.url, "anonKey": self.anon_key, "serviceKey": self.service_key, **given}
        done = subprocess.run(
            [str(node) if node.exists() else "node", Path(__file__).parent / f"js/{script}.cjs"],
            input=json.dumps(told),
            capture_output=True,
            text=True,
            timeout=SCRIPT_LIMIT_S,
            env=os.environ | {"NODE_PATH": str(CHECKOUT / "devstack" / "node_modules")},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.strip().rpartition("\n")[2])


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def environment(base: dict[str, str], folder: Path) -> dict[str, str]:
    config = folder / "config.toml"
    config.write_text(CONFIG)
    port = free_port()
    return base | {
        "GATEWAY_PORT": str(port),
        "SUPABASE_URL": f"http://127.0.0.1:{port}",
        "STORAGE_DIR": str(folder / "storage"),
        "SUPABASE_CONFIG": str(config),
    }


def start(env: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "gateway.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "devstack.gateway"],
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"} | env,
            stdout=log,
            stderr=log,
        )


def wait_ready(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    def answers() -> bool:
        try:
            return httpx.get(f"{url}/health").status_code == 200
        except httpx.TransportError:
            return process.poll() is not None

    ready = wait_until(answers, READY_WITHIN_S) and process.poll() is None
    assert ready, (folder / "gateway.log").read_text()
