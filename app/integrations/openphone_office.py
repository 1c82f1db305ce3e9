"""OpenPhone's contacts and webhooks: what the office sets up there, beside texts and calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.integrations.http import Params
from app.integrations.openphone_surface import Object, Surface, many, one, or_none

MOST_CONTACTS = 50


@dataclass(frozen=True, slots=True)
class Contacts:
    """v1, where phones and e-mails are part of the contact."""

    surface: Surface

    def find(self, external_id: str, *, source: str | None = None) -> list[Object]:
        """Those that carry our id: the vendor does not keep it unique."""
        params: Params = {
            "externalIds": [external_id],
            "sources": [source] if source else None,
            "maxResults": MOST_CONTACTS,
        }
        return self.surface.v1_page("find_contacts", "/contacts", params).items

    def get(self, contact_id: str) -> Object | None:
        path = f"/contacts/{contact_id}"
        return or_none(lambda: one("get_contact", self.surface.v1("get_contact", path)))

    def create(self, contact: Object) -> Object:
        """`contact`: {defaultFields, customFields, source, externalId}."""
        answer = self.surface.v1_write("create_contact", "POST", "/contacts", contact)
        return one("create_contact", answer)

    def replace(self, contact_id: str, contact: Object) -> Object:
        """PATCH, which deletes what it does not name: give all phones, e-mails, custom fields."""
        path = f"/contacts/{contact_id}"
        return one(
            "replace_contact", self.surface.v1_write("replace_contact", "PATCH", path, contact)
        )


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Of the dated surface; those made in the vendor's app or by v1 are not seen here."""

    surface: Surface

    def list(self) -> list[Object]:
        return many("list_webhooks", self.surface.dated("list_webhooks", "/webhooks"))

    def create(
        self, *, url: str, events: Sequence[str], resource_ids: Sequence[str] = ("*",), label: str
    ) -> Object:
        """The answer's `key` (whsec_…) is shown this once."""
        body: Object = {
            "url": url,
            "events": [*events],
            "resourceIds": [*resource_ids],
            "label": label,
        }
        return one(
            "create_webhook", self.surface.dated_write("create_webhook", "POST", "/webhooks", body)
        )

    def update(self, webhook_id: str, changes: Object) -> Object:
        """`events` replaces the whole set."""
        path = f"/webhooks/{webhook_id}"
        return one(
            "update_webhook", self.surface.dated_write("update_webhook", "PATCH", path, changes)
        )

    def rotate(self, webhook_id: str) -> str:
        """The new key. Whether the old one goes on working is not documented: accept both."""
        path = f"/webhooks/{webhook_id}/rotate"
        answer = self.surface.dated_write("rotate_webhook", "POST", path)
        return str(one("rotate_webhook", answer).get("key") or "")
