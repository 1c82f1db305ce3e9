"""Our names go into the vendor's address book, person by person, and where a run stands is written
after each.

The vendor keeps our id (`externalId`) but not unique, and its PATCH deletes what is not named. So
everybody is looked up before he is made, and what is there is read, merged and sent whole. A run
that is killed between the vendor's answer and our record finds on its next try what it made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog

from app.integrations.http import VendorRefused
from app.integrations.openphone_office import Contacts
from edge_jobs import runtime, vendors

log = structlog.get_logger(__name__)

Object = dict[str, Any]

SOURCE = "attack-a-crack"
AT_ONCE = 20
NAMES = {"first_name": "firstName", "last_name": "lastName", "company": "company"}
LISTS = {"phones": ("phoneNumbers", "mobile"), "emails": ("emails", "email")}


class Run(Protocol):
    def rpc(self, name: str, **params: Any) -> Any: ...


def begin_contact_pushes() -> int:
    """Begins a run wherever people wait to be told of. Returns how many."""
    begun: int = runtime.rpc("begin_contact_pushes")
    return begun


def push_some(run: Run) -> str:
    """The next people of a run. Returns the run's status; "done" when nobody is left."""
    contacts = Contacts(vendors.openphone().surface)
    waiting = run.rpc("contacts_to_push", p_limit=AT_ONCE)
    for person in waiting["contacts"]:
        status = _push(run, contacts, person)
        if status != "running":
            return status
    if waiting["status"] == "running" and not waiting["contacts"]:
        return "done"
    return str(waiting["status"])


def _push(run: Run, contacts: Contacts, person: Object) -> str:
    try:
        outcome = _put(contacts, person)
    except VendorRefused as error:
        if error.is_about_account:
            raise
        # This one alone: he is tried again when something of him changes.
        outcome = {"p_outcome": "refused", "p_detail": str(error)}
        log.warning("contact_refused", contact_id=person["id"], status=error.status)
    told = {"p_contact": person["id"], "p_form": person["form"]} | outcome
    return str(run.rpc("record_push", **told))


def _put(contacts: Contacts, person: Object) -> Object:
    there = _there(contacts, person)
    if there is None and person["external_id"]:
        return {"p_outcome": "gone", "p_external_id": person["external_id"]}
    if there is None:
        made = contacts.create(new_contact(person["id"], person["form"]))
        return {"p_outcome": "created", "p_external_id": made["id"]}
    wanted = merged(there, person["id"], person["form"], person["was"] or {})
    if wanted == merged(there, person["id"], {}, {}):
        return {"p_outcome": "same", "p_external_id": there["id"]}
    contacts.replace(there["id"], wanted)
    return {"p_outcome": "updated", "p_external_id": there["id"]}


def _there(contacts: Contacts, person: Object) -> Object | None:
    """The vendor's record of this person: the one we told, the one linked to him, or the oldest
    that carries his id."""
    if person["external_id"]:
        return contacts.get(person["external_id"])
    if person["linked_id"] and re.fullmatch(r"[\w-]+", person["linked_id"]):
        linked = contacts.get(person["linked_id"])
        if linked is not None:
            return linked
    found = contacts.find(person["id"])
    return min(found, key=lambda told: (told.get("createdAt") or "", told["id"]), default=None)


def new_contact(contact_id: str, form: Mapping[str, Any]) -> Object:
    return merged({}, contact_id, form, {}) | {"source": SOURCE}


def merged(
    there: Mapping[str, Any], contact_id: str, form: Mapping[str, Any], was: Mapping[str, Any]
) -> Object:
    """The whole of what PATCH is to keep: ours first, theirs beside it; gone is what we once gave
    (`was`) and have no longer."""
    fields = there.get("defaultFields") or {}
    told: Object = {"role": fields.get("role")}
    for ours, theirs in NAMES.items():
        kept = fields.get(theirs)
        told[theirs] = form.get(ours) or (None if kept == was.get(ours) and was else kept)
    for ours, (theirs, label) in LISTS.items():
        taken_back = set(was.get(ours, ())) - set(form.get(ours, ()))
        told[theirs] = _with(fields.get(theirs) or [], form.get(ours, ()), taken_back, label)
    custom = [
        {"key": item["key"], "value": item.get("value")}
        for item in there.get("customFields") or []
        if item.get("key")
    ]
    return {
        "defaultFields": told,
        "customFields": custom,
        "externalId": there.get("externalId") or contact_id,
    }


def _with(
    theirs: Sequence[Object], ours: Sequence[str], taken_back: set[str], label: str
) -> list[Object]:
    kept = [
        {"name": item.get("name") or label, "value": item["value"]}
        for item in theirs
        if item.get("value") and item["value"] not in taken_back
    ]
    known = {item["value"] for item in kept}
    return kept + [{"name": label, "value": value} for value in ours if value not in known]
