"""How long a request waited for each of Supabase's services: hooks of the shared pool."""

from __future__ import annotations

import time

import httpx

from app import passage

BY_FIRST_PART = {"rest": "db", "storage": "storage", "auth": "auth"}


def watch(http: httpx.Client) -> None:
    http.event_hooks["request"].append(_begin)
    http.event_hooks["response"].append(_end)


def _begin(request: httpx.Request) -> None:
    if passage.current():
        request.extensions["began"] = time.perf_counter()


def _end(response: httpx.Response) -> None:
    """When the answer's headers are there; its body is not read yet."""
    began, passing = response.request.extensions.get("began"), passage.current()
    if began and passing:
        first = response.request.url.path.lstrip("/").partition("/")[0]
        passing.spend(BY_FIRST_PART.get(first, "other"), time.perf_counter() - began)
