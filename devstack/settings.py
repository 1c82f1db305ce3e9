"""What a stack was started with: `stack.env` for the product, `devstack.env` for itself."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import time
from pathlib import Path

import jwt

from devstack import ports, signing_keys
from devstack.layout import CHECKOUT, Folder, StackError

HS256, ES256 = "hs256", "es256"
TEN_YEARS_S = 10 * 365 * 24 * 3600
# The sandbox's second number, which texts the first to see that texts arrive.
HEALTH_NUMBER = "+16175550101"


def read_env(path: Path) -> dict[str, str]:
    """KEY=value lines without quotes around the value; blank lines and # comments passed over."""
    if not path.exists():
        return {}
    pairs = {}
    for line in path.read_text().splitlines():
        key, found, value = line.strip().partition("=")
        if found and not key.startswith("#"):
            pairs[key.strip()] = value.strip().strip("'\"")
    return pairs


def write_env(path: Path, pairs: dict[str, str]) -> None:
    """Replaces the file in one step, readable by its owner only."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{key}={value}\n" for key, value in pairs.items()))
    draft.replace(path)


def api_key(role: str, secret: str) -> str:
    now = int(time.time())
    claims = {"iss": "supabase", "role": role, "iat": now, "exp": now + TEN_YEARS_S}
    return jwt.encode(claims, secret, algorithm="HS256")


def data_folder(folder: Folder) -> Path:
    """As root, PostgreSQL runs as another user, who may not be able to enter the checkout."""
    if os.geteuid() != 0:
        return folder.path / "postgres"
    digest = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:12]
    return Path("/var/lib/devstack") / f"{digest}-{folder.name}" / "data"


def _new_data_folder(folder: Folder) -> Path:
    """What a stack of a deleted checkout left there has passwords that are gone with it."""
    data = data_folder(folder)
    if data.exists():
        lost = data.with_name("lost")
        shutil.rmtree(lost, ignore_errors=True)
        data.rename(lost)
    return data


def load(folder: Folder) -> dict[str, str]:
    """Every setting, internal ones included; raises StackError when the stack was never up."""
    pairs = read_env(folder.devstack_env) | read_env(folder.stack_env)
    if not pairs:
        raise StackError(f"stack {folder.name} was never started here: run `make up`")
    return pairs


def port_of(pairs: dict[str, str], service: str) -> int:
    return int(pairs[f"{service.upper()}_PORT"])


def ensure(folder: Folder, signing: str | None = None) -> dict[str, str]:
    """Makes the secrets and chooses the ports at the first start; afterwards reads them."""
    folder.create()
    internal = read_env(folder.devstack_env) or _new_internal(folder, signing)
    _check_signing(folder, internal, signing)
    _add_ports(internal, folder.is_default)
    write_env(folder.devstack_env, internal)
    public = read_env(folder.stack_env) or _new_public(internal)
    public.setdefault("METRICS_TOKEN", secrets.token_hex(16))
    public.setdefault("SUPABASE_PUBLISHABLE_KEY", opaque_key("publishable"))
    public.setdefault("SUPABASE_SECRET_KEY", opaque_key("secret"))
    public = _vendor_keys() | public
    if "SIGNING_KEYS" in internal:
        signing_keys.make(folder.signing_keys)
        signing_keys.publish(folder.signing_keys, folder.jwks, internal["LEGACY_JWT_SECRET"])
    public |= _urls(internal)
    write_env(folder.stack_env, public)
    return internal | public


def choose_new_ports(folder: Folder) -> None:
    """For a named stack that does not run: somebody else may have taken its ports meanwhile."""
    internal = read_env(folder.devstack_env)
    chosen = ports.choose_all(default=False)
    internal |= {f"{service.upper()}_PORT": str(port) for service, port in chosen.items()}
    write_env(folder.devstack_env, _with_urls(internal))


def _check_signing(folder: Folder, internal: dict[str, str], signing: str | None) -> None:
    has = ES256 if "SIGNING_KEYS" in internal else HS256
    if signing and signing != has:
        raise StackError(
            f"stack {folder.name} signs with {has} since its first start: "
            f"`python -m devstack down --name {folder.name} --destroy` first (data is lost)"
        )


def opaque_key(kind: str) -> str:
    """A key as Supabase gives them today: it is no JWT, and says only what it is."""
    return f"sb_{kind}_{secrets.token_urlsafe(16)}_{secrets.token_urlsafe(6)}"


def _new_internal(folder: Folder, signing: str | None) -> dict[str, str]:
    chosen = ports.choose_all(default=folder.is_default)
    pairs = {f"{service.upper()}_PORT": str(port) for service, port in chosen.items()}
    for name in ("ADMIN_PASSWORD", "POSTGRES_PASSWORD", "AUTHENTICATOR_PASSWORD"):
        pairs[name] = secrets.token_hex(16)
    pairs["POSTGRES_DATA"] = str(_new_data_folder(folder))
    pairs["STORAGE_DIR"] = str(folder.storage)
    if signing == ES256:
        pairs["LEGACY_JWT_SECRET"] = secrets.token_hex(32)
        pairs["SIGNING_KEYS"] = str(folder.signing_keys)
    return _with_urls(pairs)


def _add_ports(internal: dict[str, str], default: bool) -> None:
    """For a stack made before one of the services was."""
    taken = {int(value) for key, value in internal.items() if key.endswith("_PORT")}
    for service, usual in ports.DEFAULT_PORTS.items():
        if f"{service.upper()}_PORT" not in internal:
            port = usual if default else ports.choose_free(taken)
            internal[f"{service.upper()}_PORT"] = str(port)
            taken.add(port)


def _vendor_keys() -> dict[str, str]:
    """What the vendors would have given us; the sandbox believes and signs with the same."""
    return {
        "OPENPHONE_API_KEY": secrets.token_urlsafe(24),
        "OPENPHONE_SIGNING_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "OPENPHONE_WEBHOOK_SECRET": f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
        "OPENPHONE_HEALTH_NUMBER": HEALTH_NUMBER,
        "NUMVERIFY_API_KEY": secrets.token_hex(16),
        "WEBHOOK_INBOX_KEY": secrets.token_hex(32),
    }


def _with_urls(internal: dict[str, str]) -> dict[str, str]:
    at = f"127.0.0.1:{internal['POSTGRES_PORT']}/postgres"
    return internal | {
        "ADMIN_DATABASE_URL": f"postgresql://supabase_admin:{internal['ADMIN_PASSWORD']}@{at}",
        "POSTGREST_URL": f"http://127.0.0.1:{internal['POSTGREST_PORT']}",
    }


def _new_public(internal: dict[str, str]) -> dict[str, str]:
    """Without the secret where tokens are signed with ES256: the product then asks for the JWKS."""
    secret = internal.get("LEGACY_JWT_SECRET") or secrets.token_hex(32)
    shared = {} if "LEGACY_JWT_SECRET" in internal else {"SUPABASE_JWT_SECRET": secret}
    return shared | {
        "SUPABASE_URL": "",
        "SUPABASE_ANON_KEY": api_key("anon", secret),
        "SUPABASE_SERVICE_ROLE_KEY": api_key("service_role", secret),
    }


def _urls(internal: dict[str, str]) -> dict[str, str]:
    at = f"127.0.0.1:{internal['POSTGRES_PORT']}/postgres"
    sandbox = f"http://127.0.0.1:{internal['SANDBOX_PORT']}"
    return {
        "SUPABASE_URL": f"http://127.0.0.1:{internal['GATEWAY_PORT']}",
        "DATABASE_URL": f"postgresql://postgres:{internal['POSTGRES_PASSWORD']}@{at}",
        "REDIS_URL": f"redis://127.0.0.1:{internal['REDIS_PORT']}/0",
        "API_URL": f"http://127.0.0.1:{internal['WEB_PORT']}",
        "SANDBOX_URL": sandbox,
        "OPENPHONE_API_URL": sandbox,
        "NUMVERIFY_API_URL": f"{sandbox}/numverify",
        # Where SvelteKit's own server listens.
        "SITE_URL": "http://127.0.0.1:5173",
    }
