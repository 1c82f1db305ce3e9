"""What the process is told: the environment, and the parts of supabase/config.toml it obeys."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack.gateway.jwt_keys import JwtKeys

SIZE_UNITS = {
    "": 1,
    "b": 1,
    "k": 1024,
    "kb": 1000,
    "kib": 1024,
    "m": 1024**2,
    "mb": 10**6,
    "mib": 1024**2,
    "g": 1024**3,
    "gb": 10**9,
    "gib": 1024**3,
}
REQUIRED = (
    "GATEWAY_PORT",
    "POSTGREST_URL",
    "ADMIN_DATABASE_URL",
    "SUPABASE_ANON_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_URL",
    "STORAGE_DIR",
    "SUPABASE_CONFIG",
)


class SettingsError(Exception):
    """One line that says which setting is wrong and what to do."""


@dataclass(frozen=True)
class AuthSettings:
    signup_enabled: bool
    token_lifetime_s: int
    reuse_interval_s: int
    password_min_length: int
    hook: str | None
    """`schema.function` of the custom access token hook."""


@dataclass(frozen=True)
class Settings:
    port: int
    postgrest_url: str
    database_url: str
    jwt_keys: JwtKeys
    anon_key: str
    service_role_key: str
    public_url: str
    storage_dir: Path
    file_size_limit: int
    auth: AuthSettings

    @property
    def issuer(self) -> str:
        return f"{self.public_url}/auth/v1"


def load(env: Mapping[str, str]) -> Settings:
    missing = [name for name in REQUIRED if not env.get(name)]
    # The product of a stack that signs with ES256 does not know the secret of the legacy API keys.
    secret = env.get("LEGACY_JWT_SECRET") or env.get("SUPABASE_JWT_SECRET", "")
    if not secret:
        missing.append("SUPABASE_JWT_SECRET")
    if missing:
        raise SettingsError(f"the gateway needs {', '.join(missing)}; `make up` sets them")
    keys = env.get("SIGNING_KEYS")
    config = _read_config(Path(env["SUPABASE_CONFIG"]))
    limit = config.get("storage", {}).get("file_size_limit", "50MiB")
    return Settings(
        port=int(env["GATEWAY_PORT"]),
        postgrest_url=env["POSTGREST_URL"].rstrip("/"),
        database_url=env["ADMIN_DATABASE_URL"],
        jwt_keys=JwtKeys(secret, Path(keys) if keys else None),
        anon_key=env["SUPABASE_ANON_KEY"],
        service_role_key=env["SUPABASE_SERVICE_ROLE_KEY"],
        public_url=env["SUPABASE_URL"].rstrip("/"),
        storage_dir=Path(env["STORAGE_DIR"]),
        file_size_limit=parse_size(limit),
        auth=_auth_settings(config.get("auth", {})),
    )


def _read_config(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise SettingsError(
            f"cannot read {path} ({error.strerror}): SUPABASE_CONFIG must name config.toml"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error


def _auth_settings(auth: dict[str, Any]) -> AuthSettings:
    return AuthSettings(
        signup_enabled=bool(auth.get("enable_signup", True)),
        token_lifetime_s=int(auth.get("jwt_expiry", 3600)),
        reuse_interval_s=int(auth.get("refresh_token_reuse_interval", 10)),
        password_min_length=int(auth.get("minimum_password_length", 6)),
        hook=_hook(auth.get("hook", {}).get("custom_access_token", {})),
    )


def _hook(section: dict[str, Any]) -> str | None:
    if not section.get("enabled"):
        return None
    uri = str(section.get("uri", ""))
    found = re.fullmatch(r"pg-functions://[^/]+/([a-z_]\w*)/([a-z_]\w*)", uri)
    if not found:
        raise SettingsError(
            f"auth.hook.custom_access_token.uri {uri!r}: only pg-functions://postgres/<schema>/<function>"
        )
    return f"{found[1]}.{found[2]}"


def parse_size(value: str | int | float) -> int:
    """Bytes of `50MiB`, `20MB`, `3B` or a plain number; raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", str(value).strip().lower())
    if not found or found[2] not in SIZE_UNITS:
        raise ValueError(f"{value!r} is no size: use 20MB, 50MiB or a number of bytes")
    return int(float(found[1]) * SIZE_UNITS[found[2]])
