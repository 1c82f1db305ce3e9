"""The import as its user does it: upload over HTTP, wait for `done`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from devstack.stack import Stack

WAIT_S = 1_800


def sign_in(env: dict[str, str]) -> dict[str, str]:
    """The seeded owner's bearer header."""
    answer = httpx.post(
        f"{env['SUPABASE_URL']}/auth/v1/token?grant_type=password",
        headers={"apikey": env["SUPABASE_ANON_KEY"]},
        json={"email": "owner@example.com", "password": "demo-password"},
    ).raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def import_file(stack: Stack, path: Path) -> dict[str, float]:
    """{seconds, ms_a_row, worker_mb}: the last is the peak resident memory of the job's process."""
    started = time.monotonic()
    row = _until_done(stack, _upload(stack, path))
    seconds = time.monotonic() - started
    if row["status"] != "done" or row["rejected_rows"]:
        raise SystemExit(f"the import ended {row['status']}: {row['error']}")
    return {
        "seconds": round(seconds, 1),
        "ms_a_row": round(1_000 * seconds / row["total_rows"], 3),
        "worker_mb": _worker_mb(stack, row["id"]),
    }


def _upload(stack: Stack, path: Path) -> str:
    with path.open("rb") as file:
        answer = httpx.post(
            f"{stack.env['API_URL']}/api/v1/imports",
            headers=sign_in(stack.env),
            data={"list_name": path.stem},
            files={"file": (path.name, file, "text/csv")},
            timeout=600,
        ).raise_for_status()
    return str(answer.json()["id"])


def _until_done(stack: Stack, import_id: str) -> dict[str, Any]:
    url = f"{stack.env['API_URL']}/api/v1/imports/{import_id}"
    deadline = time.monotonic() + WAIT_S
    bearer = sign_in(stack.env)
    while time.monotonic() < deadline:
        row: dict[str, Any] = httpx.get(url, headers=bearer, timeout=60).raise_for_status().json()
        if row["status"] in ("done", "failed"):
            return row
        time.sleep(0.25)
    raise SystemExit(f"the import did not end within {WAIT_S} s: see the stack's logs")


def _worker_mb(stack: Stack, import_id: str) -> float:
    log = (stack.folder.logs / "worker-imports.log").read_text()
    ended = [line for line in log.splitlines() if import_id in line and '"import_ended"' in line]
    return round(json.loads(ended[-1])["max_rss_kb"] / 1024, 1)
