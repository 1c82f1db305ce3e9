"""Drives the sandbox: plays the customer, switches faults on, and tells what was really accepted.

    with Sandbox.start(webhooks_to="http://127.0.0.1:8000/webhooks/openphone") as sandbox:
        sandbox.behave(sent_after_s=0, delivered_after_s=0)
        sandbox.customer_texts("+16175550123", "Hello", media=[{"kind": "jpeg"}])
        sandbox.fault("done_then_hang", path="/v1/messages", method="POST")
        sandbox.idle()
        assert len(sandbox.ledger()) == 1

On a stack it stands at `Sandbox(stack.env["SANDBOX_URL"], …)`. The kinds of faults are in
sandbox/faults.py, what may be changed in sandbox/openphone/behaviour.py.
"""

from __future__ import annotations

import base64
import secrets
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

CHECKOUT = Path(__file__).parents[1]
STARTED_WITHIN_S = 30.0
# A history of 7,000 conversations takes its time on a busy machine.
ANSWERED_WITHIN_S = 120.0
MAIN_NUMBER, HEALTH_NUMBER = "+16175550100", "+16175550101"
VERSION = {"Quo-Api-Version": "2026-03-30"}


class Sandbox:
    def __init__(self, url: str, env: Mapping[str, str]) -> None:
        """`env` is what it was started with: a stack's, or `environment()`."""
        self.url = url
        self.env = dict(env)
        self.key = env["OPENPHONE_API_KEY"]
        self.numverify_key = env["NUMVERIFY_API_KEY"]
        self.numverify_url = f"{url}/numverify"
        self.signing_key = env["OPENPHONE_SIGNING_KEY"]
        self.webhook_secret = env["OPENPHONE_WEBHOOK_SECRET"]
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=ANSWERED_WITHIN_S)
        weakref.finalize(self, self.http.close)

    @classmethod
    @contextmanager
    def start(cls, webhooks_to: str = "") -> Iterator[Sandbox]:
        """One on a free port, without a stack. Empty `webhooks_to`: no webhook is registered."""
        env = environment(webhooks_to)
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox"], cwd=CHECKOUT, env=env, stdin=subprocess.DEVNULL
        )
        sandbox = cls(env["SANDBOX_URL"], env)
        try:
            sandbox.wait_ready(process)
            yield sandbox
        finally:
            sandbox.http.close()
            process.terminate()
            process.wait(10)

    def wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + STARTED_WITHIN_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if self.http.get("/_control/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError("the sandbox did not start")

    # What customers do.

    def customer_texts(
        self,
        sender: str,
        text: str = "",
        *,
        to: str = MAIN_NUMBER,
        media: list[dict[str, Any]] | None = None,
        others: list[str] | None = None,
        at: str | None = None,
        tell: bool = True,
    ) -> dict[str, Any]:
        """`media`: {kind: jpeg|png|heic, seed?, width?, height?, taken_at?, place?, orientation?},
        {kind: mp3|wav, seconds}, or {content: base64, type}. `others`: further people in a group.
        `tell=False`: no webhook."""
        return self.control(
            "POST",
            "incoming",
            {"from": sender, "text": text, "to": to, "media": media or [], "others": others or []}
            | {"at": at, "tell": tell},
        )

    def customer_calls(
        self, person: str, end: str = "completed", *, number: str = MAIN_NUMBER, **details: Any
    ) -> dict[str, Any]:
        """`end`: completed, missed, voicemail, forwarded, no-answer, busy, failed, abandoned;
        details: sandbox/openphone/calling.py, Asked (`events=[…]` chooses and orders webhooks)."""
        content = {"person": person, "end": end, "number": number} | details
        return self.control("POST", "calls", content)

    def tell_of_call(self, call_id: str, events: list[str]) -> None:
        self.control("POST", f"calls/{call_id}/events", {"events": events})

    def app_texts(
        self, to: str, text: str, *, sender: str = MAIN_NUMBER, **details: Any
    ) -> dict[str, Any]:
        """Written in the vendor's own app. `tell=False`: no webhook, already delivered."""
        return self.control(
            "POST", "outgoing", {"from": sender, "to": [to], "text": text} | details
        )

    def move(self, message_id: str, status: str, code: str | None = None) -> dict[str, Any]:
        """The next status of a text, and its webhook."""
        return self.control(
            "POST", f"messages/{message_id}/status", {"status": status, "code": code}
        )

    def seed(self, conversations: int, **details: Any) -> dict[str, int]:
        """History without webhooks: sandbox/openphone/history.py, Asked. Returns counts."""
        return self.control("POST", "seed", {"conversations": conversations} | details)

    # How the vendor behaves.

    def behave(self, **changes: Any) -> dict[str, Any]:
        return self.control("PATCH", "behaviour", changes)

    def at_once(self) -> None:
        """Statuses without a wait, no limit of requests, retries of webhooks in milliseconds."""
        self.behave(sent_after_s=0, delivered_after_s=0, requests_per_s=0, retry_scale=0.001)

    def fault(self, kind: str, count: int | None = 1, **details: Any) -> dict[str, Any]:
        """Meets `count` calls (None: all) with that `path`, `method`, `to`, `event`, `system`."""
        return self.control("POST", "faults", {"kind": kind, "count": count} | details)

    def clear_faults(self) -> None:
        self.control("DELETE", "faults")

    def reset(self) -> None:
        """As it was at the start: faults, behaviour, webhooks and all data."""
        self.control("POST", "reset")

    def idle(self, timeout_s: float = 10) -> None:
        """Waits until no text is on its way and no webhook under delivery (retries apart)."""
        assert self.control("GET", f"idle?timeout_s={timeout_s}")["idle"], "still busy"

    def add_number(self, e164: str, number_id: str = "") -> dict[str, Any]:
        return self.control("POST", "numbers", {"e164": e164, "id": number_id})

    def expire_files(self) -> None:
        """Addresses of media and recordings given so far answer 403."""
        self.control("POST", "files/expire")

    def line_types(self, told: Mapping[str, str | None]) -> None:
        """What NumVerify says: mobile, landline, voip, toll_free, invalid; None: unknown."""
        self.control("PUT", "numverify/numbers", dict(told))

    # What happened.

    def ledger(self) -> list[dict[str, Any]]:
        """Texts really accepted, oldest first: {at, at_s, id, sender, to, text}."""
        return self.control("GET", "ledger")

    def requests(self, path: str = "/") -> list[dict[str, Any]]:
        """{at_s, method, path, status}, oldest first; status None: not answered."""
        return self.control("GET", f"requests?path={path}")

    def conversation(self, conversation_id: str) -> dict[str, Any]:
        return self.control("GET", f"conversations/{conversation_id}")

    def deliveries(self, **wanted: str) -> list[dict[str, Any]]:
        """Of webhooks, oldest first; wanted: status, event, system."""
        query = httpx.QueryParams(wanted)
        return self.control("GET", f"deliveries?{query}")

    def numbers_asked(self) -> list[str]:
        return self.control("GET", "numverify/asked")

    # Webhooks.

    def hook(self, system: str, url: str, **details: Any) -> dict[str, Any]:
        """`system`: legacy (`version="v2"`, "v3" or "v4") or dated; details: key, events."""
        return self.control("POST", "hooks", {"system": system, "url": url} | details)

    def remove_hooks(self, system: str | None = None) -> None:
        self.control("DELETE", f"hooks?system={system}" if system else "hooks")

    def release(self, order: str = "held", **details: Any) -> int:
        """After `behave(webhooks="held")`: held, reverse or random (with `seed`)."""
        return self.control("POST", "deliveries/release", {"order": order} | details)["released"]

    def deliver_again(self, delivery_id: str) -> dict[str, Any]:
        return self.control("POST", f"deliveries/{delivery_id}/again")

    def send_webhook(self, system: str, body: Any, *, signed: bool = True) -> list[str]:
        """Any content at all, to the webhooks of a system; text goes out as it is."""
        content = {"system": system, "body": body, "signed": signed}
        return self.control("POST", "deliveries", content)["ids"]

    # The vendor's own API.

    def v1(self, method: str, path: str, **details: Any) -> httpx.Response:
        headers = {"Authorization": self.key}
        return self.http.request(method, f"/v1{path}", headers=headers, **details)

    def dated(self, method: str, path: str, **details: Any) -> httpx.Response:
        headers = {"Authorization": self.key} | VERSION
        return self.http.request(method, path, headers=headers, **details)

    def control(self, method: str, path: str, content: Any = None) -> Any:
        body = {"json": content} if content is not None else {}
        answer = self.http.request(method, f"/_control/{path}", **body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()


def environment(webhooks_to: str) -> dict[str, str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    return {
        "SANDBOX_PORT": str(port),
        "SANDBOX_URL": url,
        "OPENPHONE_WEBHOOKS_TO": webhooks_to,
        "OPENPHONE_API_URL": url,
        "OPENPHONE_API_KEY": secrets.token_urlsafe(24),
        "OPENPHONE_SIGNING_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "OPENPHONE_WEBHOOK_SECRET": f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
        "OPENPHONE_HEALTH_NUMBER": HEALTH_NUMBER,
        "NUMVERIFY_API_URL": f"{url}/numverify",
        "NUMVERIFY_API_KEY": secrets.token_hex(16),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
