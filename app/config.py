"""Settings, read once from the environment.

The web process and the workers read different ones: the web process never sees the service key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from app.environment import ConfigError, Reader
from app.integrations.openphone_signature import Keys

__all__ = ["Config", "ConfigError", "Quotas", "WorkerConfig"]

LOG_LEVELS = ("debug", "info", "warning", "error")
SUPABASE_URL = "the address of the Supabase API, such as http://127.0.0.1:54321"
REDIS_URL = "the address of Redis, such as redis://127.0.0.1:6379/0"
OTLP_URL = "the address of an OTLP/HTTP collector, such as http://127.0.0.1:4318"
OPENPHONE_API_URL = "the address of OpenPhone's API, such as https://api.quo.com"
NUMVERIFY_API_URL = "the address of NumVerify's API, such as https://apilayer.net"
SITE_URL = "the address people open the CRM at, such as https://crm.example.com"
MOST_A_MINUTE = 1_000_000


def _webhook_keys(read: Reader) -> Keys:
    signing, secrets = read.listed("OPENPHONE_SIGNING_KEY"), read.listed("OPENPHONE_WEBHOOK_SECRET")
    return Keys(
        legacy=read.decoded("OPENPHONE_SIGNING_KEY", lambda: Keys.read(signing, ()).legacy),
        dated=read.decoded("OPENPHONE_WEBHOOK_SECRET", lambda: Keys.read((), secrets).dated),
    )


def _otlp_url(read: Reader) -> str:
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
    def read(cls, read: Reader) -> Self:
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
        read = Reader(os.environ if environ is None else environ)
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
        read = Reader(os.environ if environ is None else environ)
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
