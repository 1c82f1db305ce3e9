"""Our webhook in an OpenPhone workspace: where it may lead, what it tells, what it lacks.

It is of the dated system: one webhook for all events, signed as documented. The legacy one takes
four, knows neither failed texts nor voicemails, and is being retired.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from app.integrations.openphone_fields import word
from app.integrations.openphone_office import Webhooks
from app.integrations.openphone_surface import Object

PATH = "/webhooks/openphone"
LABEL = "Attack-a-Crack CRM"
# What the inbox makes something of. Contacts belong to no number: the vendor tells of all.
EVENTS = (
    *("message.received", "message.delivered", "message.failed", "message.undelivered"),
    *("call.ringing", "call.answered", "call.completed", "call.missed", "call.forwarded"),
    *("call.recording.completed", "call.transcript.completed", "call.summary.completed"),
    *("call.voicemail.completed", "contact.updated", "contact.deleted"),
)
EVERY_NUMBER = "*"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
HOST = re.compile(r"^[^/]*//[^/]*")
SEVERAL = """{} webhooks lead to {} ({}): all tell the same, each by a secret of its own.
Delete all but one; docs/operations.md says how."""


def address(given: str, vendor_url: str) -> str:
    """The whole address, where only our host was given. Raises ValueError with what is wrong.

    In the clear, and to this machine, only when the vendor itself is played on it.
    """
    parts, is_played = urlsplit(given), urlsplit(vendor_url).hostname in LOOPBACK
    if parts.scheme != "https" and not (is_played and parts.scheme == "http"):
        raise ValueError("must begin with https://: it carries what people write.")
    if not parts.hostname or (parts.hostname in LOOPBACK and not is_played):
        raise ValueError("must be an address that OpenPhone can reach.")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("must be a plain address.")
    path = parts.path.rstrip("/") or PATH
    if not path.endswith(PATH):
        raise ValueError(f"must end in {PATH}, where webhooks are taken.")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def ours(hooks: Webhooks) -> list[Object]:
    """Those that lead to a CRM of this kind, here or elsewhere."""
    return [hook for hook in hooks.list() if word(hook.get("id")) and url_of(hook).endswith(PATH)]


def url_of(hook: Object) -> str:
    url = (word(hook.get("url")) or "").rstrip("/")
    return HOST.sub(lambda host: host[0].lower(), url)


def several(hooks: Sequence[Object]) -> Iterator[str]:
    """What a person is told where more than one leads to an address."""
    ids = defaultdict(list)
    for hook in hooks:
        ids[url_of(hook)].append(str(hook["id"]))
    return (
        SEVERAL.format(len(found), url, ", ".join(found))
        for url, found in ids.items()
        if len(found) > 1
    )


def untold(hook: Object, number_ids: Sequence[str]) -> list[str]:
    """Which numbers it does not tell of."""
    told = hook.get("resourceIds") or [EVERY_NUMBER]
    return [] if EVERY_NUMBER in told else [each for each in number_ids if each not in told]


def widened(hook: Object, missing: Sequence[str], workspace_ids: Sequence[str]) -> list[str]:
    """Whom it tells of, and the missing ones."""
    # An id that is gone, of a number that was ported, would be refused.
    return [*(each for each in hook["resourceIds"] if each in workspace_ids), *missing]


def unsaid(hook: Object) -> list[str]:
    """Which events it does not send."""
    return [event for event in EVENTS if event not in (hook.get("events") or [])]


def changes(hook: Object, number_ids: Sequence[str], workspace_ids: Sequence[str]) -> Object:
    """What it lacks to tell all of these numbers. What else it was set up for stays."""
    asked: dict[str, Any] = {}
    if missing := unsaid(hook):
        asked["events"] = [*(hook.get("events") or []), *missing]
    if missing := untold(hook, number_ids):
        asked["resourceIds"] = widened(hook, missing, workspace_ids)
    if not is_on(hook):
        asked["status"] = "enabled"
    return asked


def is_on(hook: Object) -> bool:
    return hook.get("status") != "disabled"
