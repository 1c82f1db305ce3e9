"""`python -m devstack keys list|rotate|revoke`: the signing keys of a stack that runs."""

from __future__ import annotations

import signal
import time

import httpx
import jwt

from devstack import signing_keys
from devstack.layout import StackError
from devstack.processes import wait_until
from devstack.signing_keys import ALGORITHM, SigningKey
from devstack.stack import Stack

RELOADED_WITHIN_S = 10.0


def listed(stack: Stack) -> list[SigningKey]:
    """Raises StackError for a stack that signs with the shared secret."""
    if not stack.folder.signing_keys.exists():
        raise StackError(
            f"stack {stack.name} signs with its shared secret and has no keys to rotate; "
            "`python -m devstack up --name <new> --signing es256` makes one that has"
        )
    return signing_keys.read(stack.folder.signing_keys)


def rotate(stack: Stack) -> SigningKey:
    """New tokens by the standby key; the old ones count until their key is revoked."""
    listed(stack)
    key = signing_keys.rotate(stack.folder.signing_keys)
    _publish(stack, key, believed=True)
    return key


def revoke(stack: Stack, kid: str) -> SigningKey:
    """From the return on nobody believes the key's tokens."""
    listed(stack)
    key = signing_keys.revoke(stack.folder.signing_keys, kid)
    _publish(stack, key, believed=False)
    return key


def _publish(stack: Stack, key: SigningKey, believed: bool) -> None:
    """The gateway looks at the file itself; PostgREST is told, and asked whether it has heard."""
    folder, env = stack.folder, stack.env
    signing_keys.publish(folder.signing_keys, folder.jwks, env["LEGACY_JWT_SECRET"])
    if not stack.pid("postgrest"):
        return
    stack.kill("postgrest", signal.SIGUSR2)
    claims = {"role": "anon", "exp": int(time.time()) + 60}
    token = jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.kid})
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=env["POSTGREST_URL"], trust_env=False, headers=headers) as client:

        def heard() -> bool:
            return (client.head("/").status_code != 401) is believed

        if not wait_until(heard, RELOADED_WITHIN_S):
            raise StackError("PostgREST did not take the new keys: `make down`, then `make up`")
