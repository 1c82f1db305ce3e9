"""Settings, read once from the environment.

The web process and the workers read different ones: the web process never sees the service key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from app.integrations.openphone_signature import Keys

LOG_LEVELS = ("debug", "info", "warning", "error")
SUPABASE_URL = "the address of the Supabase API, such as http://127.0.0.1:54321"
REDIS_URL = "the address of Redis, such as redis://127.0.0.1:6379/0"
OTLP_URL = "the address of an OTLP/HTTP collector, such as http://127.0.0.1:4318"
OPENPHONE_API_URL = "the address of OpenPhone's API, such as https://api.quo.com"
NUMVERIFY_API_URL = "the address of NumVerify's API, such as https://apilayer.net"
SITE_URL = "the address people open the CRM at, such as https://crm.example.com"
MOST_A_MINUTE = 1_000_000


class ConfigError(Exception):
    """Every missing or malformed setting, one per line; never a setting's value."""


class _Reader:
    """Reads settings one by one and keeps what is wrong with them for one message at the end."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def optional(self, name: str, default: str = "") -> str:
        return self._environ.get(name, "").strip() or default

    def required(self, name: str, meaning: str) -> str:
        value = self.optional(name)
        if not value:
            self._problems.append(f"{name} is missing: {meaning}")
        return value

    def url(self, name: str, schemes: tuple[str, ...], meaning: str) -> str:
        self.required(name, meaning)
        return self.optional_url(name, schemes, meaning)

    def optional_url(self, name: str, schemes: tuple[str, ...], meaning: str) -> str:
        value = self.optional(name).rstrip("/")
        if value and not _is_url(value, schemes):
            self._problems.append(f"{name} is malformed: {meaning}")
        return value

    def whole_number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.optional(name, str(default))
        if value.isascii() and value.isdigit() and low <= int(value) <= high:
            return int(value)
        self._problems.append(f"{name} is malformed: a whole number from {low} to {high}")
        return default

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.optional(name, default).lower()
        if value not in allowed:
            self._problems.append(f"{name} is malformed: one of {', '.join(allowed)}")
        return value

    def secret(self, name: str, min_bytes: int) -> str:
        value = self.optional(name)
        if value and len(value.encode()) < min_bytes:
            self._problems.append(f"{name} is malformed: at least {min_bytes} bytes")
        return value

    def listed(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.optional(name).split(",") if part.strip())

    def decoded(self, name: str, decode: Callable[[], Sequence[bytes]]) -> Sequence[bytes]:
        try:
            return decode()
        except ValueError as error:
            self._problems.append(f"{name} is malformed: one of its keys {error}")
            return ()

    def phone(self, name: str) -> str:
        value = self.optional(name)
        if value and not re.fullmatch(r"\+[1-9][0-9]{7,14}", value):
            self._problems.append(f"{name} is malformed: a number such as +16175550101")
        return value

    def origins(self, name: str) -> tuple[str, ...]:
        found = self.listed(name)
        if not all(_is_origin(origin) for origin in found):
            meaning = "origins such as https://crm.example.com, separated by commas"
            self._problems.append(f"{name} is malformed: {meaning}")
        return found

    def stop_if_wrong(self) -> None:
        """Raises ConfigError naming every problem met so far."""
        if self._problems:
            listed = "\n".join(f"  - {problem}" for problem in self._problems)
            raise ConfigError(f"The environment is not complete (see .env.example):\n{listed}")


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and (parts.scheme == "unix" or bool(parts.hostname))
    except ValueError:
        return False


def _is_origin(value: str) -> bool:
    # A star would let any site call the API with a token it stole; there is no use for one.
    return _is_url(value, ("http", "https")) and value.count("/") == 2 and "*" not in value


def _webhook_keys(read: _Reader) -> Keys:
    signing, secrets = read.listed("OPENPHONE_SIGNING_KEY"), read.listed("OPENPHONE_WEBHOOK_SECRET")
    return Keys(
        legacy=read.decoded("OPENPHONE_SIGNING_KEY", lambda: Keys.read(signing, ()).legacy),
        dated=read.decoded("OPENPHONE_WEBHOOK_SECRET", lambda: Keys.read((), secrets).dated),
    )


def _otlp_url(read: _Reader) -> str:
    return read.optional_url("OTEL_EXPORTER_OTLP_ENDPOINT", ("http", "https"), OTLP_URL)


@dataclass(frozen=True)
class Quotas:
    """Requests a minute; 0 stands for no limit."""

    user: int = 600
    key: int = 600
    ip: int = 1200
    # Addresses that answer without a token, health apart.
    open: int = 60
    # Answers 401: the credentials were no good.
    failed: int = 30

    @classmethod
    def read(cls, read: _Reader) -> Self:
        def quota(name: str, default: int) -> int:
            return read.whole_number(name, default, 0, MOST_A_MINUTE)

        return cls(
            user=quota("RATE_LIMIT_USER", cls.user),
            key=quota("RATE_LIMIT_KEY", cls.key),
            ip=quota("RATE_LIMIT_IP", cls.ip),
            open=quota("RATE_LIMIT_OPEN", cls.open),
            failed=quota("RATE_LIMIT_FAILED", cls.failed),
        )


@dataclass(frozen=True)
class Config:
    """What the web process needs."""

    supabase_url: str
    supabase_anon_key: str = field(repr=False)
    jwt_issuer: str
    redis_url: str = field(repr=False)
    # Empty: tokens are checked against the JWKS of the issuer.
    jwt_secret: str = field(default="", repr=False)
    upload_limit_bytes: int = 200 * 1024 * 1024
    log_level: str = "info"
    cors_origins: tuple[str, ...] = ()
    quotas: Quotas = Quotas()
    # How many proxies of ours stand before this process and say in X-Forwarded-* who is calling.
    trusted_proxies: int = 0
    # Empty: there is no /metrics.
    metrics_token: str = field(default="", repr=False)
    # Empty: no traces.
    otlp_url: str = ""
    # By which OpenPhone signs its webhooks; none: they are asked to come again later.
    webhook_keys: Keys = field(default=Keys(), repr=False)
    # Puts a webhook into the inbox and opens nothing else.
    webhook_inbox_key: str = field(default="", repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        read = _Reader(os.environ if environ is None else environ)
        url = read.url("SUPABASE_URL", ("http", "https"), SUPABASE_URL)
        config = cls(
            supabase_url=url,
            supabase_anon_key=read.required("SUPABASE_ANON_KEY", "the anon or publishable key"),
            jwt_issuer=read.optional("SUPABASE_JWT_ISSUER", f"{url}/auth/v1"),
            redis_url=read.url("REDIS_URL", ("redis", "rediss", "unix"), REDIS_URL),
            jwt_secret=read.secret("SUPABASE_JWT_SECRET", min_bytes=32),
            upload_limit_bytes=read.whole_number("UPLOAD_LIMIT_MB", 200, 1, 2000) * 1024 * 1024,
            log_level=read.choice("LOG_LEVEL", "info", LOG_LEVELS),
            cors_origins=read.origins("CORS_ORIGINS"),
            quotas=Quotas.read(read),
            trusted_proxies=read.whole_number("TRUSTED_PROXIES", 0, 0, 8),
            metrics_token=read.secret("METRICS_TOKEN", min_bytes=16),
            otlp_url=_otlp_url(read),
            webhook_keys=_webhook_keys(read),
            webhook_inbox_key=read.secret("WEBHOOK_INBOX_KEY", min_bytes=32),
        )
        read.stop_if_wrong()
        return config


@dataclass(frozen=True)
class WorkerConfig:
    """What jobs and the clock need."""

    supabase_url: str
    service_role_key: str = field(repr=False)
    redis_url: str = field(repr=False)
    # Where links in mails lead.
    site_url: str
    log_level: str = "info"
    otlp_url: str = ""
    openphone_api_url: str = "https://api.quo.com"
    # Empty: the vendor is not asked for anything.
    openphone_api_key: str = field(default="", repr=False)
    # Our second number, which texts the first; empty: nobody does.
    openphone_health_number: str = ""
    numverify_api_url: str = "https://apilayer.net"
    # Empty: numbers stay unchecked.
    numverify_api_key: str = field(default="", repr=False)
    # What the web process shows with each webhook; workers tell the database its hash.
    webhook_inbox_key: str = field(default="", repr=False)
    # A program that reads a file on its input and ends with 0 for a good one, 1 for a bad one.
    # Empty: files are not scanned.
    media_scan_command: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        read = _Reader(os.environ if environ is None else environ)
        vendor = read.optional_url("OPENPHONE_API_URL", ("http", "https"), OPENPHONE_API_URL)
        checker = read.optional_url("NUMVERIFY_API_URL", ("http", "https"), NUMVERIFY_API_URL)
        config = cls(
            supabase_url=read.url("SUPABASE_URL", ("http", "https"), SUPABASE_URL),
            service_role_key=read.required(
                "SUPABASE_SERVICE_ROLE_KEY", "the service_role or secret key, for workers only"
            ),
            redis_url=read.url("REDIS_URL", ("redis", "rediss", "unix"), REDIS_URL),
            site_url=read.url("SITE_URL", ("http", "https"), SITE_URL),
            log_level=read.choice("LOG_LEVEL", "info", LOG_LEVELS),
            otlp_url=_otlp_url(read),
            openphone_api_url=vendor or cls.openphone_api_url,
            openphone_api_key=read.optional("OPENPHONE_API_KEY"),
            openphone_health_number=read.phone("OPENPHONE_HEALTH_NUMBER"),
            numverify_api_url=checker or cls.numverify_api_url,
            numverify_api_key=read.optional("NUMVERIFY_API_KEY"),
            webhook_inbox_key=read.secret("WEBHOOK_INBOX_KEY", min_bytes=32),
            media_scan_command=read.optional("MEDIA_SCAN_COMMAND"),
        )
        read.stop_if_wrong()
        return config
