"""The vendor's side: POSTs signed bodies to our app, and again what was not answered with 2xx."""

from __future__ import annotations

import time
from dataclasses import replace

from app import create_app
from app.config import Config
from app.integrations.openphone_signature import Keys, sign_dated, sign_legacy
from devstack.stack import Stack
from tests.messaging.webhooks.told import LEGACY
from tests.messaging.webhooks.traffic import Body

KEY = b"the key that is in use now......"


def signed(
    raw: bytes, scheme: str, delivery_id: str = "m1", key: bytes = KEY, age_s: int = 0
) -> dict[str, str]:
    at = str(int(time.time()) - age_s)
    if scheme == LEGACY:
        signature = sign_legacy(raw, f"{at}000", key)
        return {"openphone-signature": f"hmac;1;{at}000;{signature}"}
    signature = sign_dated(raw, delivery_id, at, key)
    named = {"webhook-id": delivery_id, "webhook-timestamp": at}
    return named | {"webhook-signature": f"v1,{signature}"}


class Vendor:
    def __init__(self, stack: Stack) -> None:
        keys = Keys(legacy=(KEY,), dated=(KEY,))
        self._app = create_app(replace(Config.from_env(stack.env), webhook_keys=keys))
        self._web = self._app.test_client()
        self.unanswered: list[Body] = []

    def post(self, *bodies: Body) -> None:
        for body in bodies:
            delivery_id, scheme, _, text = body
            raw = text.encode()
            answer = self._web.post(
                "/webhooks/openphone",
                data=raw,
                headers=signed(raw, scheme, delivery_id),
                content_type="application/json",
            )
            if answer.status_code != 200:
                assert answer.status_code == 503, answer.text
                self.unanswered.append(body)

    def post_again(self) -> None:
        bodies, self.unanswered = self.unanswered, []
        self.post(*bodies)

    def close(self) -> None:
        self._app.extensions["clients"].close()
