"""The first owner of a new installation: `python -m edge_jobs.first_owner EMAIL --location NAME`.

By a command and not by whoever signs up first. Asked again before the invitation was accepted, the
later word counts; once there is an owner, it is refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from app.config import ConfigError
from app.errors import AppError
from edge_jobs import runtime
from edge_jobs.identity import send_invite

DONE = """An invitation is on its way to {email}.
Its link opens once, within seven days; then {location} has its owner."""
NOT_SENT = """{location} is there and {email} is invited, but the mail could not be sent.
{error}
Workers try again; this command, too, may be called again."""


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    try:
        invite_id = runtime.rpc(
            "first_owner",
            p_email=asked.email,
            p_location_name=asked.location,
            p_timezone=asked.timezone,
        )
        if send_invite(invite_id) == "sent":
            return _say(0, DONE.format(email=asked.email, location=asked.location))
        error = _send_error(invite_id)
    except (AppError, ConfigError) as refused:
        return _say(1, refused.detail if isinstance(refused, AppError) else str(refused))
    return _say(1, NOT_SENT.format(email=asked.email, location=asked.location, error=error))


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m edge_jobs.first_owner",
        description="Invites the first owner and makes the location.",
    )
    parser.add_argument("email", metavar="EMAIL", help="where the link is mailed to")
    parser.add_argument("--location", required=True, metavar="NAME", help="name of the branch")
    parser.add_argument(
        "--timezone", default="America/New_York", metavar="ZONE", help="as in America/New_York"
    )
    return parser.parse_args(words)


def _send_error(invite_id: str) -> str:
    held = runtime.runtime()
    key = held.config.service_role_key
    row = held.database.row(key, "invites", "send_error", id=invite_id)
    return row["send_error"] or "Another worker is sending it."


def _say(code: int, words: str) -> int:
    (sys.stderr if code else sys.stdout).write(f"{words}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
