"""A call's time is the time of all of it: connecting, asking, and the answer to its last byte.

A socket's own time-out begins anew with each byte that comes, so an answer that drips in would
never end. Here each wait for bytes is given only what is left of the call. What the time does not
bind: the system's search for the host's name, and a host with several addresses, each of which is
tried for the time of one.
"""

from __future__ import annotations

import io
import socket
import time
from dataclasses import dataclass
from functools import partial
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection


def within(seconds: float, *, to_connect_s: float) -> Any:
    """For a session that has Adapter; with another one each wait has the time of all."""
    return Timeout(total=seconds, connect=to_connect_s)


class _Reading(io.RawIOBase):
    """What a socket gives until the time is over: TimeoutError."""

    def __init__(self, line: socket.socket, until_s: float) -> None:
        self._line = line
        self._until_s = until_s
        # It keeps the socket open for as long as itself, even one the connection has closed.
        self._raw: io.RawIOBase = line.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._line.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _Until:
    """As much of a socket as an answer is read by."""

    line: socket.socket
    until_s: float

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self.line, self.until_s))


class _Plain(HTTPConnection):
    def connect(self) -> None:
        """Reads a proxy's answer, too, and maybe after an earlier call."""
        self._answer_in_time()
        super().connect()

    def getresponse(self) -> Any:
        """By now `timeout` is what connecting and asking have left of the time of all."""
        self._answer_in_time()
        return super().getresponse()

    def _answer_in_time(self) -> None:
        until_s = time.monotonic() + (self.timeout or 0.0)
        self.response_class = partial(_answer, until_s)  # type: ignore[assignment]


def _answer(until_s: float, line: socket.socket, *args: Any, **named: Any) -> HTTPResponse:
    return HTTPResponse(_Until(line, until_s), *args, **named)  # type: ignore[arg-type]


class _Secure(_Plain, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class Adapter(HTTPAdapter):
    """For `session.mount`: calls end in their time, through a proxy too."""

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        super().init_poolmanager(*args, **named)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = POOLS
        return manager


POOLS = {"http": _PlainPool, "https": _SecurePool}
