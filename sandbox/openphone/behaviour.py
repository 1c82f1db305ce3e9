"""How the vendor behaves when no fault is switched on: what a test or the page may change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Behaviour:
    # Of one API key, both surfaces together; 0: no limit.
    requests_per_s: float = 10
    # "manual": a text stays queued until /_control says otherwise.
    progress: str = "auto"
    sent_after_s: float = 0.2
    delivered_after_s: float = 0.6
    # "held": webhooks wait for /_control/deliveries/release.
    webhooks: str = "live"
    # What the vendor's waits between attempts are multiplied with.
    retry_scale: float = 1.0
    # How long a webhook's receiver may take.
    patience_s: float = 10.0
    file_ttl_s: float = 3600.0
    # Of the account: "expired" refuses every text.
    subscription: str = "active"
    # STOP blocks the number for the whole account, and is confirmed by the vendor itself.
    handles_stop: bool = True

    def change(self, changes: dict[str, object]) -> None:
        """Raises ValueError for a name or a kind of value that is none."""
        for name, value in changes.items():
            now = getattr(self, name, None)
            is_number = isinstance(now, int | float) and not isinstance(now, bool)
            wanted = (int, float) if is_number else (type(now),)
            # True is an int too.
            if now is None or type(value) not in wanted:
                raise ValueError(f"{name} cannot be {value!r}")
            setattr(self, name, value)
