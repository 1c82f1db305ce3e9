"""Security headers, the same on every answer, errors included.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html, read 2026-11-21
"""

from __future__ import annotations

from typing import Any

Headers = list[tuple[str, str]]

NO_FRAMES = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# JSON loads nothing; the page at /docs loads its own script and style, and /openapi.json.
DATA_POLICY = f"default-src 'none'; {NO_FRAMES}"
PAGE_POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; {NO_FRAMES}"
)
ALWAYS: Headers = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
]
FOR_DATA = [*ALWAYS, ("Content-Security-Policy", DATA_POLICY)]
FOR_PAGES = [*ALWAYS, ("Content-Security-Policy", PAGE_POLICY)]
# A year. Sub-domains and the preload list are for whoever owns the domain to decide.
HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")
# Answers are somebody's data: neither a proxy nor the disk of a shared computer keeps them.
UNSTORED = ("Cache-Control", "no-store")


def secure(environ: dict[str, Any], headers: Headers) -> None:
    """Adds what an answer needs to its headers."""
    headers += FOR_PAGES if environ["PATH_INFO"].startswith("/docs") else FOR_DATA
    if environ["wsgi.url_scheme"] == "https":
        headers.append(HTTPS_ONLY)
    if not any(name == "Cache-Control" for name, _ in headers):
        headers.append(UNSTORED)
