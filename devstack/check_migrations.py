"""Migrations from empty: up, down, up; then Supabase's own linters. Part of `make check`."""

from __future__ import annotations

import difflib
import itertools
import json
import os
import subprocess
import sys

import psycopg

from devstack import migrations, postgres
from devstack.layout import CHECKOUT, StackError
from devstack.migrations import MIGRATIONS
from devstack.stack import Stack

ROLLBACKS = CHECKOUT / "supabase" / "rollbacks"
ALLOWED = CHECKOUT / "supabase" / "lint" / "allow.txt"
SHOWN_LINES = 60
LINTED_SCHEMAS = "public,private"


def dump(url: str) -> list[str]:
    """Everything the database defines, and its buckets, but not the CLI's own bookkeeping."""
    program = str(postgres.bin_folder() / "pg_dump")
    options = ["--schema-only", "--exclude-schema=supabase_migrations"]
    done = subprocess.run([program, *options, url], capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"pg_dump failed: {done.stderr.strip()}")
    # pg_dump guards its output with a word that is another one each time.
    guards = ("\\restrict", "\\unrestrict")
    lines = [line for line in done.stdout.splitlines() if not line.startswith(guards)]
    return grants_in_order(lines) + buckets(url)


def grants_in_order(lines: list[str]) -> list[str]:
    """pg_dump names the grants of an object in the order they were made, which means nothing."""
    rights = ("GRANT ", "REVOKE ", "ALTER DEFAULT PRIVILEGES ")
    ordered: list[str] = []
    for are_grants, group in itertools.groupby(lines, lambda line: line.startswith(rights)):
        block = list(group)
        ordered += sorted(block) if are_grants else block
    return ordered


def buckets(url: str) -> list[str]:
    row = "(to_jsonb(b) - 'created_at' - 'updated_at')::text"
    query = f"select {row} from storage.buckets b order by id"
    with psycopg.connect(url) as connection:
        return [f"bucket {text}" for (text,) in connection.execute(query)]


def roll_back(url: str) -> None:
    for migration in sorted(MIGRATIONS.glob("*.sql"), reverse=True):
        way_back = ROLLBACKS / migration.name
        if not way_back.exists():
            raise StackError(f"supabase/rollbacks/{migration.name} is missing: write the way back")
        done = postgres.psql(url, way_back.read_text(), "-1")
        if done.returncode:
            raise StackError(f"supabase/rollbacks/{migration.name}: {done.stderr.strip()}")
    with psycopg.connect(url) as connection:
        connection.execute("delete from supabase_migrations.schema_migrations")


def compare(expected: list[str], found: list[str], when: str) -> bool:
    difference = list(difflib.unified_diff(expected, found, "expected", "found", n=2, lineterm=""))
    if difference:
        print(f"migrations: the schema differs {when}:")
        print("\n".join(difference[:SHOWN_LINES]))
    return not difference


def there_and_back(stack: Stack) -> bool:
    admin, url = stack.env["ADMIN_DATABASE_URL"], stack.env["DATABASE_URL"]
    empty = dump(admin)
    migrations.push(url)
    full = dump(admin)
    roll_back(url)
    if not compare(empty, dump(admin), "after the way back from what it was before"):
        return False
    migrations.push(url)
    again = compare(full, dump(admin), "after the second way up from the first")
    print(f"migrations: {len(list(MIGRATIONS.glob('*.sql')))} up, down and up again")
    return again


def linter(url: str, *words: str) -> list[dict[str, object]]:
    at = f"--remote={url}?sslmode=disable"
    done = migrations.supabase("db", *words, at, "--fail-on", "none", "--output-format", "json")
    try:
        results = json.loads(done.stdout)["results"]
    except (ValueError, KeyError):
        raise StackError(f"supabase db {words[0]} failed: {done.stderr.strip()}") from None
    return list(results)


def findings(url: str) -> dict[str, str]:
    """Key → what the linter says. Keys stay the same from run to run: allow.txt names them."""
    found = {}
    for result in linter(url, "lint", "--level", "warning", "-s", LINTED_SCHEMAS):
        for issue in result["issues"]:  # type: ignore[attr-defined]
            key = f"lint:{result['function']}:{issue.get('sqlState', issue['level'])}"
            found[key] = str(issue["message"])
    for result in linter(url, "advisors", "--level", "warn", "--type", "all"):
        found[f"advisors:{result['cacheKey']}"] = str(result["detail"])
    return found


def allowed() -> dict[str, str]:
    """`<key>  # reason` lines; a line without a reason is refused."""
    lines = ALLOWED.read_text().splitlines() if ALLOWED.exists() else []
    pairs = {}
    for line in lines:
        key, _, reason = line.partition(" # ")
        if line.strip() and not line.startswith("#"):
            if not reason.strip():
                raise StackError(f"supabase/lint/allow.txt: {line!r} gives no reason after ' # '")
            pairs[key.strip()] = reason.strip()
    return pairs


def lint(url: str) -> bool:
    found, listed = findings(url), allowed()
    for key in sorted(found.keys() - listed.keys()):
        print(f"{key}: {found[key]}")
    for key in sorted(listed.keys() - found.keys()):
        print(f"supabase/lint/allow.txt: {key} is no longer found, remove its line")
    print(f"supabase linters: {len(found)} findings, {len(listed)} allowed")
    return found.keys() == listed.keys()


def main() -> int:
    stack = Stack(f"check-{os.getpid()}")
    try:
        stack.up(only=["postgres"], migrate=False)
        return 0 if there_and_back(stack) and lint(stack.env["DATABASE_URL"]) else 1
    except StackError as problem:
        sys.stderr.write(f"devstack: {problem}\n")
        return 1
    finally:
        stack.down(destroy=True)


if __name__ == "__main__":
    sys.exit(main())
