"""What the process is told: the environment, and the parts of supabase/config.toml it obeys."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack.gateway import auth_settings
from devstack.gateway.auth_settings import AuthSettings, SettingsError
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


@dataclass(frozen=True)
class Settings:
    port: int
    postgrest_url: str
    database_url: str
    jwt_keys: JwtKeys
    anon_key: str
    service_role_key: str
    public_url: str
    publishable_key: str
    secret_key: str
    """Both empty where the stack was made before there were such keys."""
    storage_dir: Path
    file_size_limit: int
    auth: AuthSettings

    @property
    def opaque_keys(self) -> dict[str, str]:
        """Publishable and secret key → the legacy key of the same role."""
        pairs = {self.publishable_key: self.anon_key, self.secret_key: self.service_role_key}
        return {key: token for key, token in pairs.items() if key}

    @property
    def mails_file(self) -> Path:
        return self.storage_dir.with_name("mails.jsonl")

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
        publishable_key=env.get("SUPABASE_PUBLISHABLE_KEY", ""),
        secret_key=env.get("SUPABASE_SECRET_KEY", ""),
        public_url=env["SUPABASE_URL"].rstrip("/"),
        storage_dir=Path(env["STORAGE_DIR"]),
        file_size_limit=parse_size(limit),
        auth=auth_settings.read(config.get("auth", {}), env),
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


def parse_size(value: str | int | float) -> int:
    """Bytes of `50MiB`, `20MB`, `3B` or a plain number; raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", str(value).strip().lower())
    if not found or found[2] not in SIZE_UNITS:
        raise ValueError(f"{value!r} is no size: use 20MB, 50MiB or a number of bytes")
    return int(float(found[1]) * SIZE_UNITS[found[2]])
