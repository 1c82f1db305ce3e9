"""Switchable misbehaviour: what goes wrong, for which calls, how often."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, field
from typing import Any

# Of an answer, whatever the call.
ANSWER_KINDS = {
    "busy": "429 at once; nothing is done",
    "error": "`status` (500 unless told) at once; nothing is done",
    "refuse": "`status`, with `code` and `title`, at once; nothing is done",
    "drop": "the connection is closed at once; nothing is done",
    "hang": "no answer; nothing is done",
    "done_then_error": "done, then `status` (500 unless told)",
    "done_then_drop": "done, then the connection is closed without an answer",
    "done_then_hang": "done, and never answered",
    "slow": "done and answered after `seconds`",
    "malformed": "done, but half of the body is missing",
    "html": "200 with a web page in place of JSON; nothing is done",
}
# Of what happens after a text was accepted.
SEND_KINDS = {
    "stuck": "the status stays queued",
    "fails": "status failed with `code`",
    "undelivered": "status undelivered with `code`",
    "unlisted": "not found by list or get for `seconds`",
    "webhook_first": "delivered and told to the webhooks before the call is answered",
}
# Of one delivery to one webhook; `event` limits them to types that begin so, `system` to one of
# the two systems, which both tell of everything.
HOOK_KINDS = {
    "lost_webhook": "never delivered",
    "duplicate_webhook": "delivered `times` times (2 unless told)",
    "late_webhook": "delivered after `seconds`",
    "swapped_webhook": "delivered after the one that follows it",
}
NUMVERIFY_KINDS = {
    "usage_limit_reached": "error 104 with status 200",
    "rate_limit_reached": "error 106 with status 200",
    "invalid_access_key": "error 101 with status 200",
}
KINDS = ANSWER_KINDS | SEND_KINDS | HOOK_KINDS | NUMVERIFY_KINDS


class UnknownFault(ValueError):
    pass


@dataclass(slots=True)
class Fault:
    kind: str
    # How many calls it meets; None: all, until it is removed.
    count: int | None = 1
    # How many it lets pass first.
    skip: int = 0
    method: str = ""
    # The beginning of a path, such as /v1/messages.
    path: str = "/"
    event: str = ""
    # "legacy" or "dated": only webhooks of that system.
    system: str = ""
    # Only texts to this number, of SEND_KINDS: an answer is not known by it.
    to: str = ""
    seconds: float = 5.0
    times: int = 2
    status: int = 500
    code: str = ""
    title: str = ""
    id: int = field(default_factory=itertools.count(1).__next__)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownFault(f"no fault {self.kind!r}; there are {', '.join(KINDS)}")
        if self.to and self.kind not in SEND_KINDS:
            raise UnknownFault(f"{self.kind!r} knows no `to`: it would meet nothing")
        if (self.event or self.system) and self.kind not in HOOK_KINDS:
            raise UnknownFault(f"{self.kind!r} knows no webhook: it would meet nothing")

    def meets(self, facts: dict[str, str]) -> bool:
        return (
            self.method in ("", facts.get("method"))
            and facts.get("path", "/").startswith(self.path)
            and facts.get("event", "").startswith(self.event)
            and self.system in ("", facts.get("system"))
            and (not self.to or self.to in facts.get("to", "").split(","))
        )


class Faults:
    def __init__(self) -> None:
        self._all: list[Fault] = []

    def add(self, **details: Any) -> Fault:
        """Raises UnknownFault, or TypeError for a detail there is not."""
        fault = Fault(**details)
        self._all.append(fault)
        return fault

    def clear(self) -> None:
        self._all.clear()

    def remove(self, fault_id: int) -> None:
        self._all = [fault for fault in self._all if fault.id != fault_id]

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._all]

    def take(self, kinds: dict[str, str] | tuple[str, ...], **facts: str) -> Fault | None:
        """The first fault that meets the call; it is used up by one."""
        for fault in self._all:
            if fault.kind in kinds and fault.meets(facts):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                self._all.remove(fault)
