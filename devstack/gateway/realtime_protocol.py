"""Phoenix messages on the wire: 1.0.0 is an object, 2.0.0 an array or a binary broadcast.

The binary frames are realtime-js's own (lib/serializer.ts): kind 3 is a client's, 4 a server's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

CLIENT_BROADCAST, SERVER_BROADCAST = 3, 4
RAW, JSON = 0, 1
VERSIONS = ("1.0.0", "2.0.0")


class BadMessage(Exception):
    """What came is not a message of the protocol."""


@dataclass(frozen=True)
class Message:
    topic: str
    event: str
    payload: dict[str, Any] = field(default_factory=dict)
    ref: str | None = None
    join_ref: str | None = None


def decode(data: str | bytes, version: str) -> Message:
    if isinstance(data, bytes):
        return _decode_broadcast(data)
    try:
        parsed = json.loads(data)
        if version == "2.0.0":
            join_ref, ref, topic, event, payload = parsed
        else:
            topic, event, payload = parsed["topic"], parsed["event"], parsed["payload"]
            ref, join_ref = parsed.get("ref"), parsed.get("join_ref")
    except (ValueError, KeyError, TypeError) as error:
        raise BadMessage(str(error)) from error
    if not isinstance(topic, str) or not isinstance(event, str):
        raise BadMessage("topic and event must be strings")
    return Message(topic, event, payload if isinstance(payload, dict) else {}, ref, join_ref)


def _decode_broadcast(data: bytes) -> Message:
    """kind, five lengths, encoding; join_ref, ref, topic, event, metadata; then the payload."""
    if len(data) < 7 or data[0] != CLIENT_BROADCAST:
        raise BadMessage("unknown binary frame")
    parts, offset = [], 7
    for length in data[1:6]:
        parts.append(data[offset : offset + length].decode(errors="replace"))
        offset += length
    join_ref, ref, topic, event, _metadata = parts
    rest = data[offset:]
    try:
        payload = rest if data[6] == RAW else json.loads(rest)
    except ValueError as error:
        raise BadMessage(str(error)) from error
    body = {"type": "broadcast", "event": event, "payload": payload}
    return Message(topic, "broadcast", body, ref or None, join_ref or None)


def encode(message: Message, version: str) -> str | bytes | None:
    """None for what this version cannot carry: bytes in 1.0.0, as on the real server."""
    if isinstance(message.payload.get("payload"), bytes):
        return _encode_bytes(message) if version == "2.0.0" else None
    if version == "2.0.0":
        return json.dumps(
            [message.join_ref, message.ref, message.topic, message.event, message.payload]
        )
    return json.dumps(
        {
            "topic": message.topic,
            "event": message.event,
            "payload": message.payload,
            "ref": message.ref,
        }
    )


def _encode_bytes(message: Message) -> bytes:
    topic, event = message.topic.encode(), str(message.payload["event"]).encode()
    body: bytes = message.payload["payload"]
    return bytes([SERVER_BROADCAST, len(topic), len(event), 0, RAW]) + topic + event + body
