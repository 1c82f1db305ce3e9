"""Who listens to what. A private topic and a public one of the same name never meet."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Protocol


class Listener(Protocol):
    def hear(self, payload: dict[str, Any]) -> None:
        """Takes one broadcast `{type, event, payload, meta?}`; must not wait."""


class Hub:
    def __init__(self) -> None:
        self._listeners: dict[tuple[str, bool], set[Listener]] = defaultdict(set)

    def add(self, topic: str, private: bool, listener: Listener) -> None:
        self._listeners[topic, private].add(listener)

    def remove(self, topic: str, private: bool, listener: Listener) -> None:
        self._listeners[topic, private].discard(listener)
        if not self._listeners[topic, private]:
            del self._listeners[topic, private]

    def publish(
        self, topic: str, private: bool, payload: dict[str, Any], but: Listener | None = None
    ) -> None:
        for listener in list(self._listeners.get((topic, private), ())):
            if listener is not but:
                listener.hear(payload)


def broadcast(event: str, payload: Any, message_id: str | None = None) -> dict[str, Any]:
    """A broadcast as clients read it; rows of realtime.messages also carry their id."""
    body = {"type": "broadcast", "event": event, "payload": payload}
    return body | {"meta": {"id": message_id}} if message_id else body
