"""The arrows of ARCHITECTURE, "Who may import whom", read from the source itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import queues

CHECKOUT = Path(__file__).parents[1]
ROOMS = ("app", "edge_jobs", "devstack", "sandbox", "tests", "wsgi")
WEB_ONLY = ("flask", "flask_smorest", "flask_cors", "webargs", "werkzeug")


def modules(room: str) -> Iterator[tuple[str, Path]]:
    found = [CHECKOUT / f"{room}.py"] if room == "wsgi" else (CHECKOUT / room).rglob("*.py")
    for path in sorted(found):
        if "node_modules" not in path.parts:
            name = ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imported(path: Path) -> set[str]:
    """Absolute names a file imports; `from app import db` counts as app.db."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def domains() -> list[str]:
    found = (path.name for path in (CHECKOUT / "app").iterdir() if (path / "__init__.py").exists())
    return [name for name in found if name != "integrations"]


def domain_of(module: str) -> str | None:
    found = re.match(r"app\.(\w+)", module)
    return found[1] if found and found[1] in domains() else None


def from_room(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def complaint(module: str, name: str) -> str | None:
    """Why `module` may not import `name`; None when it may."""
    room = module.split(".")[0]
    others = {
        "wsgi": ("edge_jobs", "devstack", "sandbox", "tests"),
        "app": ("edge_jobs", "devstack", "sandbox", "tests", "wsgi"),
        "edge_jobs": ("devstack", "sandbox", "tests", "wsgi"),
        "devstack": ("app", "edge_jobs", "sandbox", "tests", "wsgi"),
        "sandbox": ("app", "edge_jobs", "devstack", "tests", "wsgi"),
    }[room]
    if any(from_room(name, other) for other in others):
        return f"{room} imports nothing of {name.split('.')[0]}"
    if room == "edge_jobs" and (name.split(".")[0] in WEB_ONLY or name.endswith(".routes")):
        return "jobs know no Flask and no routes"
    if module.startswith("app.integrations"):
        return integration_complaint(module, name)
    return domain_complaint(module, name)


def integration_complaint(module: str, name: str) -> str | None:
    if name.split(".")[0] in (*WEB_ONLY, "supabase", "postgrest", "storage3", "rq"):
        return "integrations know no Flask, no Supabase and no RQ"
    # What is known of one vendor may take several files: openphone.py, openphone_events.py.
    vendor = module.split("_")[0]
    allowed = ("app.integrations.http", "app.integrations.deadlines", "app.errors", vendor)
    if from_room(name, "app") and not name.startswith(allowed):
        return "integrations import only http.py, their own vendor's files and app.errors"
    return None


def domain_complaint(module: str, name: str) -> str | None:
    mine, theirs = domain_of(module), domain_of(name)
    if mine and theirs and mine != theirs and not offered(theirs, name):
        return f"{mine} imports {theirs}'s inside"
    return None


def offered(domain: str, name: str) -> bool:
    """Is it a name that the domain's __init__ defines or imports, and no module of its inside?"""
    rest = name.removeprefix(f"app.{domain}").strip(".").split(".")[0]
    folder = CHECKOUT / "app" / domain
    return not (folder / f"{rest}.py").exists() and not (folder / rest).is_dir()


@pytest.mark.parametrize("room", ["wsgi", "app", "edge_jobs", "devstack", "sandbox"])
def test_imports_follow_the_arrows(room: str) -> None:
    wrong = [
        f"{module} imports {name}: {why}"
        for module, path in modules(room)
        for name in sorted(imported(path))
        if (why := complaint(module, name))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("app.queues", "edge_jobs.imports"),
        ("app.imports.routes", "devstack.stack"),
        ("edge_jobs.imports", "flask.Flask"),
        ("edge_jobs.imports", "app.imports.routes"),
        ("app.integrations.openphone", "app.db.Database"),
        ("app.integrations.openphone", "flask.g"),
        ("devstack.stack", "app.config"),
        ("wsgi", "edge_jobs.runtime"),
    ],
)
def test_a_wrong_arrow_is_noticed(module: str, name: str) -> None:
    assert complaint(module, name)


def test_importing_the_jobs_loads_no_flask() -> None:
    code = "import sys, edge_jobs.runtime, edge_jobs.schedule; sys.exit('flask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0


NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MENU = [
    queues.run_import("00000000-0000-4000-8000-000000000001", now=NOW),
    queues.ring_waiting_imports(now=NOW),
    queues.send_invite("00000000-0000-4000-8000-000000000001", now=NOW),
    queues.ring_waiting_invites(now=NOW),
    queues.fetch_media("00000000-0000-4000-8000-000000000001", now=NOW),
    queues.ring_waiting_media(now=NOW),
    queues.apply_webhooks(now=NOW),
    queues.watch_webhooks(now=NOW),
    queues.ask_for_webhooks(now=NOW),
    queues.ring_vendor_work(now=NOW),
    queues.run_sync("00000000-0000-4000-8000-000000000001", now=NOW),
    queues.check_numbers(now=NOW),
    queues.send_texts(now=NOW),
    queues.free_sends(now=NOW),
    queues.settle_sends(now=NOW),
    queues.watch_messaging(now=NOW),
    queues.hear_numbers(now=NOW),
    queues.begin_contact_pushes(now=NOW),
    queues.forget_requests(now=NOW),
    queues.forget_notifications(now=NOW),
    queues.count_business(now=NOW),
]


def test_the_menu_below_is_the_whole_menu() -> None:
    offered_jobs = {
        name
        for name, function in inspect.getmembers(queues, inspect.isfunction)
        if inspect.signature(function).return_annotation == "Ring" and not name.startswith("_")
    }
    assert {ring.job.rsplit(".", 1)[1] for ring in MENU} == offered_jobs


@pytest.mark.parametrize("ring", MENU, ids=lambda ring: ring.job)
def test_every_job_on_the_menu_exists_and_takes_its_arguments(ring: queues.Ring) -> None:
    module, name = ring.job.rsplit(".", 1)
    job = getattr(importlib.import_module(module), name)
    inspect.signature(job).bind(*ring.args)
    assert all(isinstance(argument, str) for argument in ring.args)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", ring.id)


@pytest.mark.parametrize("ring", MENU, ids=lambda ring: ring.job)
def test_every_ring_tells_how_old_it_is(ring: queues.Ring) -> None:
    """/health/ready and /metrics read a ring's age from its id, within the hour it is unique in."""
    rung_at_s = int(ring.id.rpartition("-")[2]) * queues.SWEEP_S
    assert 0 <= NOW.timestamp() - rung_at_s < 3600
