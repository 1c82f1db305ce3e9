"""The `[auth]` part of supabase/config.toml, as far as the gateway obeys it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LOWER, UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS, SYMBOLS = "0123456789", "!@#$%^&*()_+-=[]{};'\\:\"|<>?,./`~"
PASSWORD_CHARACTERS = {
    "": (),
    "letters_digits": (LOWER + UPPER, DIGITS),
    "lower_upper_letters_digits": (LOWER, UPPER, DIGITS),
    "lower_upper_letters_digits_symbols": (LOWER, UPPER, DIGITS, SYMBOLS),
}
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:h|m|s|ms|us|ns))+")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
# As the Supabase CLI takes it from the environment: tests need not wait for the next mail.
MAX_FREQUENCY = "SUPABASE_AUTH_EMAIL_MAX_FREQUENCY"


class SettingsError(Exception):
    """One line that says which setting is wrong and what to do."""


@dataclass(frozen=True)
class AuthSettings:
    signup_enabled: bool
    token_lifetime_s: int
    reuse_interval_s: int
    password_min_length: int
    password_characters: tuple[str, ...]
    """A password needs one of each."""
    site_url: str
    redirect_urls: tuple[str, ...]
    confirms_email: bool
    """A changed address holds only once its mail was answered."""
    both_confirm_email: bool
    otp_length: int
    otp_expiry_s: int
    mail_gap_s: float
    totp_enroll_enabled: bool
    totp_verify_enabled: bool
    hook: str | None
    """`schema.function` of the custom access token hook."""


def read(auth: dict[str, Any], env: Mapping[str, str]) -> AuthSettings:
    email, totp = auth.get("email", {}), auth.get("mfa", {}).get("totp", {})
    return AuthSettings(
        signup_enabled=bool(auth.get("enable_signup", True)),
        token_lifetime_s=int(auth.get("jwt_expiry", 3600)),
        reuse_interval_s=int(auth.get("refresh_token_reuse_interval", 10)),
        password_min_length=int(auth.get("minimum_password_length", 6)),
        password_characters=_characters(str(auth.get("password_requirements", ""))),
        site_url=str(auth.get("site_url", "http://127.0.0.1:3000")),
        redirect_urls=tuple(auth.get("additional_redirect_urls", ())),
        confirms_email=bool(email.get("enable_confirmations", False)),
        both_confirm_email=bool(email.get("double_confirm_changes", True)),
        otp_length=int(email.get("otp_length", 6)),
        otp_expiry_s=int(email.get("otp_expiry", 3600)),
        mail_gap_s=seconds(env.get(MAX_FREQUENCY) or email.get("max_frequency", "1s")),
        totp_enroll_enabled=bool(totp.get("enroll_enabled", False)),
        totp_verify_enabled=bool(totp.get("verify_enabled", False)),
        hook=_hook(auth.get("hook", {}).get("custom_access_token", {})),
    )


def seconds(duration: str) -> float:
    """Of a Go duration such as 24h or 1h30m; raises ValueError."""
    if not DURATION.fullmatch(duration):
        raise ValueError(f"{duration!r} is no duration: use 60s or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|us|ns|s)", duration)
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def _characters(requirements: str) -> tuple[str, ...]:
    if requirements not in PASSWORD_CHARACTERS:
        known = ", ".join(filter(None, PASSWORD_CHARACTERS))
        raise SettingsError(f"auth.password_requirements {requirements!r}: use one of {known}")
    return PASSWORD_CHARACTERS[requirements]


def _hook(section: dict[str, Any]) -> str | None:
    if not section.get("enabled"):
        return None
    uri = str(section.get("uri", ""))
    found = re.fullmatch(r"pg-functions://[^/]+/([a-z_]\w*)/([a-z_]\w*)", uri)
    if not found:
        raise SettingsError(
            f"auth.hook.custom_access_token.uri {uri!r}: only pg-functions://postgres/<schema>/<function>"
        )
    return f"{found[1]}.{found[2]}"
