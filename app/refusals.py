"""Every code a failure may carry, with its status and an example of its words, for /openapi.json.

Codes are for programs and never change; the words are for people and may.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

KNOWN: dict[str, tuple[int, str]] = {
    "bad_request": (400, "The request could not be understood."),
    "two_credentials": (400, "The request carries two credentials. Send one."),
    "invalid_idempotency_key": (400, "Idempotency-Key must be 1 to 255 visible ASCII characters."),
    "missing_token": (401, "Sign in first: this address needs a bearer token."),
    "invalid_token": (401, "Your sign-in is not valid. Sign in again."),
    "expired_token": (401, "Your sign-in has expired. Sign in again."),
    "invalid_api_key": (401, "This API key is unknown, expired or revoked. Make a new one."),
    "not_permitted": (403, "Your role does not allow this. Ask the owner of the location."),
    "second_factor_required": (
        403,
        "This location asks its owners and admins for a second factor."
        " Sign in again with the code of your authenticator.",
    ),
    "role_not_grantable": (403, "Your role may not make or unmake a person owner. Ask an owner."),
    "scope_missing": (
        403,
        "This API key has no scope for this. Make a key with the scope it needs.",
    ),
    "keys_cannot_upload": (403, "An API key cannot upload files. Sign in as a person."),
    "not_found": (404, "There is nothing at this address that you may see."),
    "already_member": (409, "This person works at the location already. Change the role instead."),
    "already_invited": (
        409,
        "This person has an open invitation. Send it again, or revoke it first.",
    ),
    "invite_ended": (409, "This invitation was accepted or revoked. Invite the person anew."),
    "import_ended": (409, "This import is done; only a running one can be cancelled."),
    "already_running": (
        409,
        "Such a run is going on at this location, or is paused. Resume or cancel it.",
    ),
    "already_exists": (409, "This exists already."),
    "request_in_progress": (
        409,
        "A request with this Idempotency-Key is still at work. Send it again in a few seconds.",
    ),
    "payload_too_large": (413, "The request is larger than the 200 MB allowed."),
    "unsupported_media_type": (415, "This address does not take that kind of body."),
    "invalid_request": (
        422,
        "Some fields are missing or wrong; `errors` names each of them.",
    ),
    "invalid_value": (422, "email is no e-mail address. Write it like name@example.com."),
    "location_required": (422, "You work at several locations. Name one in location_id."),
    "empty_file": (422, "The file is empty. Export it again."),
    "not_csv": (422, "This is an Excel workbook or a zip archive, not a CSV file."),
    "number_inactive": (422, "Our number is not in use. Choose another number, or switch it on."),
    "invalid_phone": (422, "The number is no phone number in international form."),
    "our_number": (422, "+16175550100 is our own number. Text somebody else."),
    "opted_out": (422, "+16175550123 has opted out. They may text START to come back."),
    "do_not_contact": (422, "They are flagged do not contact. Remove the flag if it is wrong."),
    "wrong_number": (422, "They are flagged wrong number. Remove the flag if it is wrong."),
    "invalid_number": (422, "They are flagged invalid number. Remove the flag if it is wrong."),
    "number_invalid": (422, "+16175550123 is not in service. Ask for another number."),
    "landline": (422, "+16175550123 is a landline. Call instead, or ask for a mobile number."),
    "voip": (422, "+16175550123 is an internet line. Call instead, or ask for a mobile number."),
    "not_mobile": (422, "+16175550123 is no mobile number. Call instead."),
    "employee_group": (422, "+16175550123 in this group is one of us. Write from OpenPhone."),
    "no_phone": (422, "contact_id has no phone number. Add one, or name the number."),
    "invalid_template": (422, "The text has a token nobody knows, {nickname}."),
    "missing_value": (422, "Nothing is known for {city}. Give a fallback, or fill it in."),
    "text_too_long": (422, "body has 1700 characters, and 1600 is the most. Make two of it."),
    "sending_paused": (409, "Sending is stopped for this location. An owner or admin starts it."),
    "number_paused": (409, "Our number +16175550100 is paused. Find out why, then resume it."),
    "held": (409, "+16175550123 may have asked not to be texted. Read it and decide."),
    "number_unchecked": (
        409,
        "Nobody knows yet whether +16175550123 takes texts; it is being checked."
        " Try again in a few minutes.",
    ),
    "outside_hours": (
        409,
        "Texts of this kind do not leave at this hour. The next time is Monday, 8:00 AM.",
    ),
    "idempotency_key_reused": (
        422,
        "This Idempotency-Key was sent before with another request."
        " Take a new one for each request.",
    ),
    "too_many_requests": (429, "You have sent too many requests. Try again in 20 seconds."),
    "sent_just_now": (429, "The invitation was sent less than a minute ago. Wait a minute."),
    "internal_error": (500, "Something went wrong on our side. Give support the request id."),
    "auth_unavailable": (503, "The sign-in service cannot be reached at the moment."),
    "database_unavailable": (503, "The database cannot be reached at the moment."),
    "storage_unavailable": (503, "The file store cannot be reached at the moment."),
}
# Whatever is asked of a route that is not open to all may be answered so.
ANYWHERE = (
    "two_credentials",
    "missing_token",
    "invalid_token",
    "expired_token",
    "invalid_api_key",
    "too_many_requests",
    "internal_error",
    "auth_unavailable",
    "database_unavailable",
)
# The field an example names, where the code is about one.
FIELDS = {
    "invalid_request": "list_name",
    "invalid_value": "email",
    "empty_file": "file",
    "not_csv": "file",
}


def body(code: str) -> dict[str, Any]:
    """The body of such a failure, as an example."""
    status, detail = KNOWN[code]
    found: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": "4f1c2b7e9d3a4c55a1b2c3d4e5f60718",
    }
    if code in FIELDS:
        found["errors"] = [{"field": FIELDS[code], "message": detail}]
    return found


def by_status(codes: tuple[str, ...]) -> dict[int, list[str]]:
    grouped: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        grouped.setdefault(KNOWN[code][0], []).append(code)
    return dict(sorted(grouped.items()))
