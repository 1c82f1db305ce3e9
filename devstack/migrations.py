"""Schema and local data: migrations by the Supabase CLI, the seed by psql; both as `postgres`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg

from devstack import postgres
from devstack.layout import CHECKOUT, StackError

MIGRATIONS = CHECKOUT / "supabase" / "migrations"
SEED = CHECKOUT / "supabase" / "seeds" / "local.sql"
NODE_MODULES = CHECKOUT / "devstack" / "node_modules"


def supabase(*words: str, workdir: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    """Runs the Supabase CLI without a question and without a look at the network."""
    path = f"{CHECKOUT / '.venv' / 'bin'}:{os.environ.get('PATH', '')}"
    quiet = {"SUPABASE_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1", "NO_COLOR": "1"}
    return subprocess.run(
        [NODE_MODULES / ".bin" / "supabase", "--workdir", workdir, "--agent", "no", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | quiet | {"PATH": path},
    )


def push(url: str) -> str:
    """Applies what is missing; returns what the CLI said."""
    if not any(MIGRATIONS.glob("*.sql")):
        return "no migrations yet"
    done = supabase("db", "push", f"--remote={url}?sslmode=disable", "--yes")
    if done.returncode:
        raise StackError(f"supabase db push failed:\n{done.stderr.strip() or done.stdout.strip()}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("notify pgrst, 'reload schema'")
    return done.stdout + done.stderr


def seed(url: str) -> None:
    if not SEED.exists():
        return
    done = postgres.psql(url, SEED.read_text(), "-1")
    if done.returncode:
        raise StackError(f"{SEED.relative_to(CHECKOUT)} failed: {done.stderr.strip()}")
