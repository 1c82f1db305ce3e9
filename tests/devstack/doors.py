"""Every way into a stack that believes a bearer token, asked with one token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx

from tests.devstack.gateway_process import Gateway
from tests.devstack.rooms import Room, connected, in_time

ALL = {"auth": True, "rest": True, "storage": True, "broadcast": True, "channel": True}
NONE = dict.fromkeys(ALL, False)


def opened_by(gateway: Gateway, token: str) -> dict[str, bool]:
    """Which parts take the token of a signed-in person. A refusal is 401 or 403, never another."""
    headers = {"apikey": gateway.anon_key, "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=gateway.url, headers=headers) as http:
        answers = {
            "auth": http.get("/auth/v1/user"),
            "rest": http.post("/rest/v1/rpc/my_access"),
            "storage": http.get("/storage/v1/bucket"),
            "broadcast": http.post("/realtime/v1/api/broadcast/doors/events/knock", json={}),
        }
    for name, answer in answers.items():
        refused = (400, 401, 403) if name == "storage" else (401, 403)
        assert answer.is_success or answer.status_code in refused, (name, answer.text)
    opened = {name: answer.is_success for name, answer in answers.items()}
    return opened | {"channel": in_time(_joins(gateway, token))}


async def _joins(gateway: Gateway, token: str) -> bool:
    async with connected(gateway, token) as client:
        return (await Room(client, "doors", private=False).join())[0] == "SUBSCRIBED"


def forge(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """Signed with HMAC whatever the header says: PyJWT would refuse to make these."""
    signed = f"{_part(header)}.{_part(claims)}"
    signature = hmac.new(key, signed.encode(), hashlib.sha256).digest() if key else b""
    return f"{signed}.{_encode(signature)}"


def _part(content: dict[str, Any]) -> str:
    return _encode(json.dumps(content).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
