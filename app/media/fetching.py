"""Fetching a file from an address that somebody else wrote.

Only https, only to public addresses, redirects checked one by one, never a credential. The vendor's
own host, as we were set up with it, may be anywhere: locally it is the sandbox.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from functools import cache
from typing import BinaryIO
from urllib.parse import unquote, urljoin, urlsplit

import httpx

CHUNK_BYTES = 1 << 16
MAX_REDIRECTS = 3
# Silence of so long ends it; all of it may take longer, for recordings are large.
TIMEOUT = httpx.Timeout(30, connect=10)
IN_ALL_S = 90.0
AGAIN = (408, 425, 429)
HEADERS = {"User-Agent": "attack-a-crack-crm", "Accept": "*/*", "Accept-Encoding": "identity"}
# Addresses of version 6 that lead to one of version 4, which then is not looked at.
LEADS_TO_V4 = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))
Resolve = Callable[[str, int], list[str]]


class Refused(Exception):
    """We do not want it, and trying again changes nothing. The message is for people."""


class Gone(Exception):
    """The address has expired: the vendor may have a fresh one."""


class NotNow(Exception):
    """Worth another try, after `retry_after_s` when the other side said so."""

    def __init__(self, message: str, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Fetched:
    """`declared_mime` and `filename` are what the other side says, not what is so."""

    bytes: int
    sha256: str
    declared_mime: str | None
    filename: str | None


@dataclass(frozen=True)
class Target:
    """Whom to call for an address: one of the host's own IP addresses, looked at before."""

    url: str
    host: str
    authority: str


def resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NotNow("The host's name was not found.") from error
    return [str(each[4][0]) for each in found]


def is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in LEADS_TO_V4):
            return False
    return ip.is_global and not ip.is_multicast


class Fetcher:
    """`vendor_url`: the vendor's API as set up; files may lie on its host whatever that is."""

    def __init__(
        self,
        vendor_url: str,
        *,
        look_up: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vendor = _origin(vendor_url)
        self._look_up = look_up
        self._tls = tls or _tls()
        self._clock = clock

    def fetch(self, url: str, into: BinaryIO, *, max_bytes: int) -> Fetched:
        """Raises Refused, Gone or NotNow. `into` is written from where it stands."""
        deadline = self._clock() + IN_ALL_S
        # No environment: a proxy would look up the host again, by itself.
        with httpx.Client(timeout=TIMEOUT, verify=self._tls, trust_env=False) as client:
            for _ in range(MAX_REDIRECTS + 1):
                with self._answer(client, url) as answer:
                    if answer.is_redirect:
                        url = urljoin(url, answer.headers["Location"])
                        continue
                    _check_status(answer)
                    return self._save(answer, url, into, max_bytes, deadline)
        raise Refused("The address leads on and on.")

    def _target(self, url: str) -> Target:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise Refused("The address is malformed.") from error
        if not host or parts.username is not None or parts.scheme not in ("http", "https"):
            raise Refused("The address is none of a file on the web.")
        is_vendor = _origin(url) == self._vendor
        if not is_vendor and (parts.scheme != "https" or port not in (None, 443)):
            raise Refused("The address is not https.")
        port = port or (443 if parts.scheme == "https" else 80)
        addresses = self._look_up(host, port)
        if not addresses or not (is_vendor or all(map(is_public, addresses))):
            raise Refused("The address leads into a private network.")
        # Called by the address that was looked at: a second look-up might say another one.
        pinned = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        at = f"{parts.scheme}://{pinned}:{port}{parts.path or '/'}"
        query = f"?{parts.query}" if parts.query else ""
        return Target(at + query, host, parts.netloc)

    @contextmanager
    def _answer(self, client: httpx.Client, url: str) -> Iterator[httpx.Response]:
        target = self._target(url)
        headers = HEADERS | {"Host": target.authority}
        told = {"sni_hostname": target.host}
        try:
            with client.stream("GET", target.url, headers=headers, extensions=told) as answer:
                yield answer
        except httpx.InvalidURL as error:
            raise Refused("The address is malformed.") from error
        except httpx.HTTPError as error:
            # Its words may hold the address, which opens the file.
            raise NotNow(f"The other side did not answer ({type(error).__name__}).") from error

    def _save(
        self, answer: httpx.Response, url: str, into: BinaryIO, max_bytes: int, deadline: float
    ) -> Fetched:
        declared = answer.headers.get("Content-Length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > max_bytes:
            raise _too_large(max_bytes)
        size, digest = 0, hashlib.sha256()
        for chunk in answer.iter_bytes(CHUNK_BYTES):
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes)
            if self._clock() > deadline:
                raise NotNow(f"The other side took longer than {IN_ALL_S:.0f} seconds.")
            digest.update(chunk)
            into.write(chunk)
        if not size:
            raise NotNow("The other side sent an empty file.")
        mime = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Fetched(size, digest.hexdigest(), mime[:100] or None, filename_of(answer, url))


@cache
def _tls() -> ssl.SSLContext:
    """Reading all authorities takes longer than fetching a picture."""
    return httpx.create_ssl_context(trust_env=False)


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return "", "", None


def _check_status(answer: httpx.Response) -> None:
    if answer.status_code == 200:
        return
    if answer.is_server_error or answer.status_code in AGAIN:
        raise NotNow(f"The other side answered {answer.status_code}.", _retry_after_s(answer))
    # Signed addresses that have expired are answered with 400, 401, 403, 404 or 410.
    raise Gone(f"The other side answered {answer.status_code}.")


def _retry_after_s(answer: httpx.Response) -> int:
    said = answer.headers.get("Retry-After", "")
    return min(int(said), 3600) if said.isascii() and said.isdigit() else 0


def _too_large(max_bytes: int) -> Refused:
    return Refused(f"The file is larger than {max_bytes // (1024 * 1024)} MB.")


def filename_of(answer: httpx.Response, url: str) -> str | None:
    """By Content-Disposition, else the address's last part where it has an ending."""
    header = Message()
    header["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    said = header.get_filename() or (last if re.search(r".\.\w{2,5}$", last) else "")
    plain = re.sub(r"[^\w .()+-]", "_", said.replace("\\", "/").rpartition("/")[2]).strip(" .")
    return plain[:200] or None
