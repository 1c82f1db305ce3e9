"""Where a link of a mail may lead: to the site, or to what config.toml allows."""

from __future__ import annotations

import ipaddress
import re
from functools import cache
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from devstack.gateway.auth_settings import AuthSettings
from devstack.gateway.keys import SETTINGS

USUAL_HOST = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?")
GLOB = {"**": ".*", "*": "[^./]*", "?": "[^./]"}


def target(request: web.Request, given: str = "") -> str:
    """`redirect_to` of the body or query, else where the request came from, else the site."""
    auth = request.app[SETTINGS].auth
    asked = (given, request.query.get("redirect_to", ""), request.headers.get("Referer", ""))
    return next((url for url in asked if is_allowed(auth, url)), auth.site_url)


def is_allowed(auth: AuthSettings, url: str) -> bool:
    if not url or re.search(r"[\x00-\x20\x7f]", url):
        return False
    try:
        site, asked = urlsplit(auth.site_url), urlsplit(url)
        same = _origin(site) == _origin(asked)
    except ValueError:
        return False
    host = asked.hostname or ""
    if same:
        return True
    if host.isdecimal() or (asked.scheme in ("http", "https") and not _is_usual(host)):
        return False
    return any(_pattern(glob).fullmatch(url.partition("#")[0]) for glob in auth.redirect_urls)


def _origin(url: SplitResult) -> tuple[str, str, int | None]:
    """Any port of this machine is one place, as for Auth itself."""
    host = url.hostname or ""
    return url.scheme, host, None if _is_loopback(host) else url.port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_usual(host: str) -> bool:
    return _is_loopback(host) or USUAL_HOST.fullmatch(host) is not None


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """`*` and `?` stop at a dot and a slash, `**` does not."""
    parts = re.split(r"(\*\*|\*|\?)", glob)
    return re.compile("".join(GLOB.get(part, re.escape(part)) for part in parts), re.DOTALL)
