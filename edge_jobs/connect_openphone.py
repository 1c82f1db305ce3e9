"""Connects the CRM with its OpenPhone workspace: `python -m edge_jobs.connect_openphone`.

Without options it looks and changes nothing. With them it adds numbers of ours and keeps one
webhook that tells of them; the same again changes nothing more.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence

from app.config import ConfigError
from app.contacts.phones import normalize_phone
from app.errors import AppError
from app.integrations.http import VendorBusy, VendorError, VendorRefused
from app.integrations.openphone_fields import word
from app.integrations.openphone_office import Webhooks
from edge_jobs import openphone_webhook as webhook
from edge_jobs import runtime, vendors
from edge_jobs.openphone_workspace import Number, Row, Workspace, checks, rows

NO_SUBSCRIPTION = "The workspace's subscription has expired: OpenPhone would refuse every text."
NO_KEY = """OpenPhone refuses OPENPHONE_API_KEY.
An owner or admin makes one in its settings, under API; give it as it is, without "Bearer"."""
NOT_SERVICE = "SUPABASE_SERVICE_ROLE_KEY is not the service_role or secret key of this Supabase."
NOT_KNOWN = """OpenPhone gave no answer that can be used ({}).
Call this again: what was done meanwhile is found, and nothing is done twice."""
NO_LOCATION = """There is no location yet. First:
  python -m edge_jobs.first_owner you@example.com --location 'Your business'"""
SET_THIS = """Its secret, shown this once, is for the web process's environment:

  OPENPHONE_WEBHOOK_SECRET={}

If one is set already, put this behind it, after a comma. Then start the web process again. What
comes before that is refused, and OpenPhone sends it again for a day."""
WAS_TOLD = "Its secret was shown when it was made. Lost? --new-secret makes another."
NO_INBOX = """WEBHOOK_INBOX_KEY is not set: without it, here and in the web process, no webhook is
kept. It is a secret of your choice, 32 characters or more."""
DONE = {"added": "is added to", "resumed": "is in use again at", "kept": "is already at"}

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Refused(Exception):
    """Says to a person why it is not done."""


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    try:
        _connect(asked)
    except (AppError, ConfigError, Refused, VendorError, vendors.NotSetUp) as error:
        sys.stderr.write(f"{_told(error)}\n")
        return 1
    return 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m edge_jobs.connect_openphone",
        description="Without options: shows the workspace, its numbers and our webhook.",
    )
    parser.add_argument(
        "--number", action="append", default=[], metavar="+1…", help="becomes ours; may be repeated"
    )
    parser.add_argument("--location", metavar="NAME", help="whose, where there are several")
    parser.add_argument(
        "--webhook-url", metavar="https://…", help="the API's public address; makes the webhook"
    )
    parser.add_argument("--new-secret", action="store_true", help="ends its old secret")
    asked = parser.parse_args(words)
    if asked.new_secret and not asked.webhook_url:
        parser.error("--new-secret: say of which webhook, by --webhook-url")
    if asked.location and not asked.number:
        parser.error("--location: say of which number, by --number")
    return asked


def _connect(asked: argparse.Namespace) -> None:
    url = _address(asked.webhook_url) if asked.webhook_url else ""
    space = _open()
    if asked.number:
        # All are looked for before the first is added.
        chosen, place = [_chosen(space, each) for each in asked.number], _place(asked.location)
        for number in chosen:
            _add(number, place)
        space.look()
    hooks = Webhooks(space.phone.surface)
    if url:
        _keep_webhook(hooks, url, space, new_secret=asked.new_secret)
    else:
        numbers = [] if asked.number else space.shown_numbers()
        _say(*numbers, *space.shown_webhooks(webhook.ours(hooks)))
    if not runtime.settings().webhook_inbox_key:
        _say(NO_INBOX)


def _address(given: str) -> str:
    try:
        return webhook.address(given, runtime.settings().openphone_api_url)
    except ValueError as error:
        raise Refused(f"--webhook-url {error}") from None


def _open() -> Workspace:
    phone = vendors.openphone()
    told = phone.organization()
    if told.get("subscriptionStatus") == "expired":
        raise Refused(NO_SUBSCRIPTION)
    _say(f"The key is good. Workspace: {word(told.get('name')) or told.get('id')}.")
    return Workspace(phone).look()


def _chosen(space: Workspace, given: str) -> Number:
    number = space.numbers.get(normalize_phone(given) or given.strip())
    if number is None:
        known = ", ".join(space.numbers) or "none"
        raise Refused(f"--number {given}: this workspace has no such number. It has {known}.")
    if checks(number):
        raise Refused(f"--number {given} is OPENPHONE_HEALTH_NUMBER: it checks, and serves nobody.")
    return number


def _place(wanted: str | None) -> Row:
    """The location: the only one, or the one of that name, or of that id where two share a name."""
    named: dict[str, str] = {}
    if wanted:
        named = {"id": wanted} if UUID.fullmatch(wanted) else {"name": wanted.strip()}
    found = rows("locations", "id,name", **named)
    if len(found) == 1:
        return found[0]
    if not found and not wanted:
        raise Refused(NO_LOCATION)
    known = "\n".join(
        f"  {row['id']}  {row['name']}" for row in found or rows("locations", "id,name")
    )
    if not wanted:
        raise Refused(f"--location: say whose it is. There are:\n{known}")
    met = "several" if found else "none"
    raise Refused(f"--location {wanted}: there are {met} of that name. Give an id of:\n{known}")


def _add(number: Number, place: Row) -> None:
    outcome = runtime.rpc(
        "connect_number",
        p_location=place["id"],
        p_e164=number.e164,
        p_label=(number.name or "")[:100],
        p_openphone_id=number.id,
    )
    _say(f"{number.e164} {DONE[outcome]} {place['name']}.")
    if not number.texts_us:
        _say("  OpenPhone does not let it text the US yet: is its A2P registration approved?")


def _keep_webhook(hooks: Webhooks, url: str, space: Workspace, *, new_secret: bool) -> None:
    told_of = space.told_of()
    if not any(each.ours and not checks(each) for each in space.numbers.values()):
        raise Refused("--webhook-url: no number of this workspace is ours yet. Give --number, too.")
    same = [hook for hook in webhook.ours(hooks) if webhook.url_of(hook) == url]
    if said := list(webhook.several(same)):
        raise Refused(*said)
    if not same:
        made = hooks.create(
            url=url, events=webhook.EVENTS, resource_ids=told_of, label=webhook.LABEL
        )
        _say(f"The webhook to {url} is made.")
        return _tell(word(made.get("key")))
    known_by = str(same[0]["id"])
    if lacking := webhook.changes(same[0], told_of, space.ids()):
        hooks.update(known_by, lacking)
    _say(f"The webhook to {url} was there and {'is put right' if lacking else 'is complete'}.")
    return _tell(hooks.rotate(known_by)) if new_secret else _say(WAS_TOLD)


def _tell(secret: str | None) -> None:
    if not secret:
        raise Refused("OpenPhone told no secret. Call this again with --new-secret.")
    _say(SET_THIS.format(secret))


def _told(error: Exception) -> str:
    if isinstance(error, VendorRefused) and error.status in (401, 403):
        return NO_KEY
    if isinstance(error, VendorRefused):
        return NO_SUBSCRIPTION if error.status == 402 else f"OpenPhone says no: {error.detail}"
    if isinstance(error, VendorBusy):
        return "OpenPhone cannot be reached, or is busy. Try again in a minute."
    if isinstance(error, VendorError):
        return NOT_KNOWN.format(error.reason)
    if isinstance(error, AppError) and error.status in (401, 403):
        return NOT_SERVICE
    return error.detail if isinstance(error, AppError) else str(error)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    # What a log would say of a refusal is said in a sentence.
    os.environ.setdefault("LOG_LEVEL", "error")
    sys.exit(main())
