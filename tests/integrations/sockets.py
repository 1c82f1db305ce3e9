"""A vendor of one address on real sockets, and one read and one write of it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.integrations.http import Vendor

URL = "https://api.example.com/things"


def read(vendor: Vendor, url: str = URL, timeout_s: float = 5) -> object:
    return vendor.read(
        "get_thing", url, headers={"Authorization": "k"}, params={}, timeout_s=timeout_s
    )


def write(
    vendor: Vendor,
    url: str = URL,
    still_valid: Callable[[], bool] = lambda: True,
    timeout_s: float = 5,
) -> object:
    return vendor.write(
        "make_thing",
        "POST",
        url,
        headers={"Authorization": "k"},
        body={"text": "é"},
        timeout_s=timeout_s,
        still_valid=still_valid,
    )


@contextmanager
def server(
    answer: Callable[[socket.socket], None], secure: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """Takes connections one after the other; what each sent until `answer` was done is kept."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            with secure.wrap_socket(connection, True) if secure else connection as connection:
                heard.append(hear(connection))
                answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        scheme = "https" if secure else "http"
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/things", heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def hear(connection: socket.socket) -> bytes:
    """The request as far as it comes."""
    got = b""
    while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < length_of(got):
        part = connection.recv(65536)
        if not part:
            break
        got += part
    return got


def length_of(request: bytes) -> int:
    for line in request.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def reply(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\n{"id":1}')
