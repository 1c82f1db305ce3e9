"""Supabase Auth mails the links: it knows the addresses, makes the account, and has the templates.

https://supabase.com/docs/reference/self-hosting-auth, read 2026-11-21.
"""

from __future__ import annotations

from typing import Any

import httpx
import structlog

from app.db import auth_headers

log = structlog.get_logger(__name__)

TIMEOUT_S = 20.0
AGAIN = "It is tried again by itself."
# What the people who invite are told. What is not here names the code, for whoever runs the system.
WORDS = {
    "over_email_send_rate_limit": f"Too many mails were sent in the last hour. {AGAIN}",
    "over_request_rate_limit": f"Too many mails were sent just now. {AGAIN}",
    "email_address_invalid": "No mail can be sent to this address. Revoke it and invite anew.",
    "email_address_not_authorized": "The mail service may not write to this address yet."
    " Whoever runs the system must set up a mail server.",
    "validation_failed": "No mail can be sent to this address. Revoke it and invite anew.",
    "user_banned": "This person's account is blocked.",
}
KNOWN_ADDRESS = ("email_exists", "user_already_exists")


class Mails:
    """Calls to Supabase Auth with the service key, for workers only."""

    def __init__(self, supabase_url: str, service_key: str, http: httpx.Client) -> None:
        self._url = f"{supabase_url}/auth/v1"
        self._key = service_key
        self._http = http

    def send_link(self, email: str, link: str, location_name: str) -> str | None:
        """Mails a sign-in that ends at `link`. None when it is out, else why not, for people."""
        data = {"location_name": location_name}
        error = self._post("invite", link, {"email": email, "data": data})
        if error in KNOWN_ADDRESS:
            error = self._post("otp", link, {"email": email, "create_user": False})
        if error is None:
            return None
        return WORDS.get(error, f"The sign-in service refused to send the mail ({error}). {AGAIN}")

    def _post(self, path: str, link: str, body: dict[str, Any]) -> str | None:
        """None, or the code of the refusal."""
        try:
            answer = self._http.post(
                f"{self._url}/{path}",
                params={"redirect_to": link},
                json=body,
                headers=auth_headers(self._key, self._key),
                timeout=TIMEOUT_S,
            )
        except httpx.HTTPError as error:
            log.warning("auth_unavailable", call=path, error=type(error).__name__)
            return "no answer"
        if answer.is_success:
            return None
        code = _code(answer)
        log.warning("auth_refused", call=path, status=answer.status_code, code=code)
        return code


def _code(answer: httpx.Response) -> str:
    """`error_code` beside a numeric `code`, or a `code` of words, by the API version."""
    try:
        body = answer.json()
        found = body.get("error_code") or body.get("code")
    except (ValueError, AttributeError):
        found = None
    return found if isinstance(found, str) else f"status {answer.status_code}"
