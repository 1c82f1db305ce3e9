"""Ports: fixed and Supabase-like for the default stack, free ones for named stacks."""

from __future__ import annotations

import random
import socket

from devstack.layout import StackError

DEFAULT_PORTS = {
    "postgres": 54322,
    "redis": 54379,
    "postgrest": 54330,
    "gateway": 54321,
    "sandbox": 54331,
    "web": 8000,
}
LIKELY_HOLDERS = {
    "postgres": "another checkout's `make up`, or `supabase start`",
    "gateway": "another checkout's `make up`, or `supabase start`",
    "web": "another web server",
}


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_free(taken: set[int]) -> int:
    """A free port below the range from which the kernel gives outgoing connections theirs."""
    for _ in range(200):
        port = random.randint(15000, 30000)  # noqa: S311 - no secret depends on it
        if port not in taken and is_free(port):
            return port
    raise StackError("no free port between 15000 and 30000 on 127.0.0.1; stop some programs")


def choose_all(default: bool) -> dict[str, int]:
    if default:
        return dict(DEFAULT_PORTS)
    chosen: dict[str, int] = {}
    for service in DEFAULT_PORTS:
        chosen[service] = choose_free(set(chosen.values()))
    return chosen


def require_free(service: str, port: int) -> None:
    if not is_free(port):
        holder = LIKELY_HOLDERS.get(service, "another checkout's `make up`")
        raise StackError(
            f"port {port} ({service}) is in use, perhaps by {holder}: stop that program "
            f"(`ss -ltnp | grep :{port}` or `lsof -i :{port}` names it) and run this again"
        )
