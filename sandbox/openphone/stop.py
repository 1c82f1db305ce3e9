"""STOP and START as the vendor takes them, for the whole account."""

from __future__ import annotations

from sandbox import instants
from sandbox.openphone.records import Message
from sandbox.openphone.vendor import Vendor
from sandbox.openphone.world import SYSTEM_ID

STOP = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT")
START = ("START", "UNSTOP")
STOPPED = (
    "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe."
)
STARTED = "You have successfully been re-subscribed to messages from this number."


def hear(vendor: Vendor, message: Message) -> None:
    """Only a text that is nothing but one word of the list, in a conversation of two."""
    word = message.text.strip().upper()
    if not vendor.behaviour.handles_stop or len(message.to) > 1:
        return
    blocked = vendor.world.blocked
    if word in STOP and message.sender not in blocked:
        blocked.add(message.sender)
        _confirm(vendor, message, STOPPED)
    elif word in START and message.sender in blocked:
        blocked.discard(message.sender)
        _confirm(vendor, message, STARTED)


def _confirm(vendor: Vendor, message: Message, text: str) -> None:
    """The vendor's own text: no user of the account wrote it, and no block keeps it back."""
    number = vendor.world.numbers[message.number_id]
    at = max(instants.now(), instants.later(message.created_at, 0.001))
    confirmation = vendor.outgoing(number, [message.sender], text, SYSTEM_ID, at)

    async def delivered() -> None:
        vendor.move(confirmation, "delivered")

    vendor.tasks.later(vendor.behaviour.delivered_after_s, delivered)
