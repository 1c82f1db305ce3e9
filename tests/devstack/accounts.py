"""A signed-in person who speaks to Auth by plain HTTP, and the codes of his authenticator."""

from __future__ import annotations

import time
from typing import Any

import httpx
import jwt
import pyotp

from tests.devstack.gateway_process import Gateway


class Account:
    def __init__(self, gateway: Gateway, token: str) -> None:
        self.gateway, self.token = gateway, token

    def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"apikey": self.gateway.anon_key, "Authorization": f"Bearer {self.token}"}
        url = f"{self.gateway.url}/auth/v1{path}"
        return httpx.request(method, url, json=body if body else None, headers=headers)

    def try_to_enroll(self, name: str | None, **body: Any) -> httpx.Response:
        given = {"factor_type": "totp"} | ({} if name is None else {"friendly_name": name})
        return self.ask("POST", "/factors", **given | body)

    def enroll(self, name: str | None = "phone") -> tuple[str, pyotp.TOTP]:
        shown = self.try_to_enroll(name).raise_for_status().json()
        return shown["id"], pyotp.TOTP(shown["totp"]["secret"])

    def challenge(self, factor: str) -> dict[str, Any]:
        asked = self.ask("POST", f"/factors/{factor}/challenge")
        return dict(asked.raise_for_status().json())

    def answer(self, factor: str, code: str) -> httpx.Response:
        given = {"challenge_id": self.challenge(factor)["id"], "code": code}
        return self.ask("POST", f"/factors/{factor}/verify", **given)

    def raised(self, factor: str, code: str) -> Account:
        answer = self.answer(factor, code).raise_for_status().json()
        return Account(self.gateway, answer["access_token"])

    @property
    def claims(self) -> dict[str, Any]:
        return dict(jwt.decode(self.token, options={"verify_signature": False}))


def later(totp: pyotp.TOTP, steps: int = 1) -> str:
    """A code that is not the one of now. One step ahead counts, however late it arrives."""
    return totp.at(time.time() + 30 * steps)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]
