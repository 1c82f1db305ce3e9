"""Both ways the vendor signs a webhook, and the headers that carry them."""

from __future__ import annotations

import base64
import hmac


def legacy(key: str, body: bytes, at_s: float) -> dict[str, str]:
    """`hmac;1;<milliseconds>;<base64>` over `<milliseconds>.<body>`."""
    stamp = str(int(at_s * 1000))
    return {"openphone-signature": f"hmac;1;{stamp};{_sign(key, stamp.encode(), body)}"}


def dated(secret: str, delivery_id: str, body: bytes, at_s: float) -> dict[str, str]:
    """Standard Webhooks: `v1,<base64>` over `<id>.<seconds>.<body>`."""
    stamp = str(int(at_s))
    key = secret.removeprefix("whsec_")
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{_sign(key, delivery_id.encode(), stamp.encode(), body)}",
    }


def _sign(key: str, *parts: bytes) -> str:
    made = hmac.digest(base64.b64decode(key), b".".join(parts), "sha256")
    return base64.b64encode(made).decode()
