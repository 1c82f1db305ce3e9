"""What is in schema public, as the database knows it."""

from __future__ import annotations

from typing import Any

import psycopg

KINDS = {"r": "table", "p": "table", "v": "view", "m": "view"}


def relations(db: psycopg.Connection[Any]) -> dict[str, str]:
    """Name → table or view."""
    found = db.execute(
        "select relname, relkind::text from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p', 'v', 'm', 'f') order by 1"
    )
    return {name: KINDS.get(kind, kind) for name, kind in found}


def functions(db: psycopg.Connection[Any]) -> list[str]:
    """Every function PostgREST can call; one name twice is an overload."""
    found = db.execute(
        "select proname from pg_proc where pronamespace = 'public'::regnamespace"
        " and prorettype <> 'trigger'::regtype order by 1"
    )
    return [name for (name,) in found]


def columns(db: psycopg.Connection[Any]) -> dict[str, dict[str, str]]:
    """Relation → column → type."""
    found = db.execute(
        "select relname, attname, format_type(atttypid, null) from pg_attribute"
        " join pg_class c on c.oid = attrelid where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p', 'v', 'm') and attnum > 0 and not attisdropped"
        " order by relname, attnum"
    )
    tables: dict[str, dict[str, str]] = {}
    for name, column, kind in found:
        tables.setdefault(name, {})[column] = kind
    return tables
