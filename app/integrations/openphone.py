"""OpenPhone, now Quo: texts and calls. Sends by v1 (the dated surface cannot), reads by either.

What is read comes as the vendor's objects; openphone_objects and openphone_calls put them into the
normal form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from app.integrations.http import Params, VendorUnknown
from app.integrations.openphone_fields import word
from app.integrations.openphone_surface import (
    TIMEOUT_S,
    Object,
    Page,
    Pages,
    Surface,
    always,
    many,
    one,
    or_none,
)

# The vendor's clock and ours may differ; a text that is found is compared word for word anyway.
CLOCKS_DIFFER = timedelta(minutes=2)
MOST_LOOKED_AT = 20
# What the dated surface allows.
DATED_MOST = 50


@dataclass(frozen=True, slots=True)
class Sent:
    """A text the vendor has. Older accounts get no conversation with it."""

    id: str
    status: str | None
    conversation_id: str | None
    created_at: str | None

    @classmethod
    def read(cls, told: Object) -> Sent:
        """Raises VendorUnknown for an object without an id: it may be a text all the same."""
        found = word(told.get("id"))
        if not found:
            raise VendorUnknown("openphone", "send_message", "unreadable")
        return cls(found, *(_text(told, n) for n in ("status", "conversationId", "createdAt")))


@dataclass(frozen=True, slots=True)
class OpenPhone:
    surface: Surface

    def send_message(
        self,
        *,
        from_: str,
        to: Sequence[str],
        content: str,
        still_valid: Callable[[], bool] = always,
        timeout_s: float = TIMEOUT_S,
    ) -> Sent:
        """POSTs once and never again. More than one in `to` are one group.

        `still_valid` is asked at the last moment before the text leaves. Raises VendorRefused (not
        sent), VendorBusy (proven not sent) and VendorUnknown (ask find_sent, do not send again).
        """
        body: Object = {"from": from_, "to": list(to), "content": content}
        answer = self.surface.write(
            "send_message",
            "POST",
            "/v1/messages",
            body,
            lane="send",
            timeout_s=timeout_s,
            still_valid=still_valid,
        )
        return Sent.read(one("send_message", answer))

    def find_sent(self, *, from_: str, to: Sequence[str], text: str, after: datetime) -> list[Sent]:
        """Which texts from our number (E.164) to exactly these people, in exactly these words, the
        vendor has since `after`, newest first. None: not sent, or not listed yet.

        Raises VendorUnknown when there were too many to look at.
        """
        people = {"to": to[0]} if len(to) == 1 else {"to[all]": ",".join(to)}
        fetch = partial(
            self.list_messages,
            filters={"direction": "outgoing", "from": from_, **people},
            created_after=after - CLOCKS_DIFFER,
        )
        pages = Pages(lambda cursor: fetch(after=cursor), MOST_LOOKED_AT)
        found = [Sent.read(told) for told in pages.items() if _is_same(told, from_, to, text)]
        if pages.was_cut:
            raise VendorUnknown("openphone", "find_sent", "too many texts")
        return found

    def list_messages(
        self,
        *,
        after: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> Page:
        """Dated: the whole workspace, newest first. `filters` in the vendor's words: from, to,
        to[all], status, direction, phoneNumberId, userId."""
        params: Params = {
            **(filters or {}),
            "createdAt[gt]": _at(created_after),
            "createdAt[lt]": _at(created_before),
            "limit": DATED_MOST,
            "after": after,
        }
        return self.surface.dated_page("list_messages", "/messages", params)

    def get_message(self, message_id: str) -> Object | None:
        return or_none(
            lambda: one("get_message", self.surface.dated("get_message", f"/messages/{message_id}"))
        )

    def list_phone_numbers(self) -> list[Object]:
        """v1: id, number, name, users, restrictions."""
        return many("list_phone_numbers", self.surface.v1("list_phone_numbers", "/phone-numbers"))

    def list_conversations(
        self,
        *,
        phone_number_id: str | None = None,
        updated_from: datetime | None = None,
        after: str | None = None,
        sort: str = "updatedAt:asc",
    ) -> Page:
        """Dated. Oldest change first, so that what changes while we page comes again at the end."""
        params: Params = {
            "phoneNumberId": phone_number_id,
            "updatedAt[gte]": _at(updated_from),
            "sort": sort,
            "limit": DATED_MOST,
            "after": after,
        }
        return self.surface.dated_page("list_conversations", "/conversations", params)

    def list_calls(
        self,
        *,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        after: str | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> Page:
        """Dated. `filters` in the vendor's words: phoneNumberId, participant, direction, status,
        include."""
        params: Params = {
            **(filters or {}),
            "createdAt[gte]": _at(created_from),
            "createdAt[lte]": _at(created_to),
            "limit": DATED_MOST,
            "after": after,
        }
        return self.surface.dated_page("list_calls", "/calls", params)

    def get_call(self, call_id: str) -> Object | None:
        """v1: has `from` and `to` even where an event had no participants."""
        return self._v1_or_none("get_call", f"/calls/{call_id}")

    def call_recordings(self, call_id: str) -> list[Object]:
        """v1, oldest first; their addresses expire soon."""
        return self._v1_list("call_recordings", f"/call-recordings/{call_id}")

    def call_voicemails(self, call_id: str) -> list[Object]:
        return self._v1_list("call_voicemails", f"/call-voicemails/{call_id}")

    def call_summary(self, call_id: str) -> Object | None:
        return self._v1_or_none("call_summary", f"/call-summaries/{call_id}")

    def call_transcript(self, call_id: str) -> Object | None:
        return self._v1_or_none("call_transcript", f"/call-transcripts/{call_id}")

    def organization(self) -> Object:
        """The cheapest question that needs a good key: id, name, subscriptionStatus."""
        return one("organization", self.surface.dated("organization", "/organization"))

    def _v1_or_none(self, operation: str, path: str) -> Object | None:
        return or_none(lambda: one(operation, self.surface.v1(operation, path)))

    def _v1_list(self, operation: str, path: str) -> list[Object]:
        """The pages differ on whether one comes as a list or alone."""
        answer = or_none(lambda: self.surface.v1(operation, path))
        if answer is None:
            return []
        found = answer.get("data") if isinstance(answer, dict) else None
        return many(operation, {"data": [found]} if isinstance(found, dict) else answer)


def _is_same(told: Object, from_: str, to: Sequence[str], text: str) -> bool:
    """The filters are the vendor's word; this is ours."""
    given = told.get("to")
    people = {given} if isinstance(given, str) else set(_strings(given))
    words = told.get("text") if isinstance(told.get("text"), str) else told.get("content")
    return (
        told.get("direction", "outgoing") == "outgoing"
        and told.get("from") in (from_, None)
        and people == set(to)
        and isinstance(words, str)
        and words.strip() == text.strip()
    )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))


def _text(told: Object, name: str) -> str | None:
    found = told.get(name)
    return found if isinstance(found, str) else None


def _at(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
