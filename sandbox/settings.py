"""What the sandbox is started with, from the environment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Settings:
    port: int
    # Address under which files and pages are found.
    public_url: str
    openphone_key: str
    numverify_key: str
    # Where the hooks registered from the start deliver to; empty: there are none.
    webhooks_to: str
    # base64, and `whsec_…`: what the two hooks sign with.
    signing_key: str
    webhook_secret: str
    health_number: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        port = int(environ.get("SANDBOX_PORT", "54331"))
        api_url = environ.get("API_URL", "")
        usual = f"{api_url}/webhooks/openphone" if api_url else ""
        return cls(
            port=port,
            public_url=environ.get("SANDBOX_URL") or f"http://127.0.0.1:{port}",
            openphone_key=environ.get("OPENPHONE_API_KEY") or secrets.token_urlsafe(24),
            numverify_key=environ.get("NUMVERIFY_API_KEY") or secrets.token_hex(16),
            webhooks_to=environ.get("OPENPHONE_WEBHOOKS_TO", usual),
            signing_key=environ.get("OPENPHONE_SIGNING_KEY", ""),
            webhook_secret=environ.get("OPENPHONE_WEBHOOK_SECRET", ""),
            health_number=environ.get("OPENPHONE_HEALTH_NUMBER", "+16175550101"),
        )
