"""docs/openapi.json is what clients were promised: `python -m tests.openapi.release` renews it.

It takes what is added. What would break a client it lists and refuses; `--breaking` takes it all
the same, for a change that CHANGELOG.md names first.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from app import create_app
from app.config import Config
from tests.openapi.breaking import breaking

RELEASED = Path(__file__).parents[2] / "docs" / "openapi.json"
# Nothing listens there, and nothing is asked.
NOWHERE = "http://127.0.0.1:9"


def described() -> dict[str, Any]:
    """/openapi.json of the checkout."""
    app = create_app(
        Config(
            supabase_url=NOWHERE,
            supabase_anon_key="anon",
            jwt_issuer=NOWHERE,
            jwt_secret="s" * 64,
            redis_url="redis://127.0.0.1:9/0",
        )
    )
    with app.test_request_context():
        found: dict[str, Any] = app.view_functions["api-docs.openapi_json"]().json
    app.extensions["clients"].close()
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def released() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RELEASED.read_text())
    return found


def main() -> int:
    new = described()
    broken = breaking(released(), new) if RELEASED.exists() else []
    for line in broken:
        sys.stderr.write(f"{line}\n")
    if broken and "--breaking" not in sys.argv:
        sys.stderr.write("Clients would break; see the docstring of tests/openapi/release.py.\n")
        return 1
    RELEASED.write_text(f"{json.dumps(new, indent=1, sort_keys=True, ensure_ascii=False)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
