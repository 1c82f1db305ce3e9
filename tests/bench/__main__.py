"""`make bench`: speed beside what bounds it, on stacks of its own.

    python -m tests.bench [import] [policies] [door] [webhooks] [inbox]

Ratios to a baseline of the same run are promises and fail the run; absolute figures are recorded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from devstack.services import SERVICES
from devstack.stack import Stack
from tests.bench import door, importing, inbox, policies, webhooks
from tests.bench.load import require_wrk

PARTS = {
    "import": importing.run,
    "policies": policies.run,
    "door": door.run,
    "webhooks": webhooks.run,
    "inbox": inbox.run,
}
# The import starts from empty tables, the others share a million people.
STACKS = {
    ("import",): tuple(SERVICES),
    ("policies", "door"): ("postgres", "redis", "postgrest", "gateway"),
    ("webhooks",): tuple(SERVICES),
    ("inbox",): ("postgres", "redis", "postgrest", "gateway"),
}


def main() -> int:
    asked = sys.argv[1:] or list(PARTS)
    unknown = [name for name in asked if name not in PARTS]
    if unknown:
        sys.exit(f"bench: no part named {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if "door" in asked:
        require_wrk()
    os.environ.setdefault("UPLOAD_LIMIT_MB", "600")
    kept = []
    for names, services in STACKS.items():
        if chosen := [name for name in names if name in asked]:
            with _stack(services) as stack:
                kept += [PARTS[name](stack) for name in chosen]
    return 0 if all(kept) else 1


@contextmanager
def _stack(services: tuple[str, ...]) -> Iterator[Stack]:
    stack = Stack("bench")
    stack.down(destroy=True)
    try:
        stack.up(only=services)
        yield stack
    finally:
        stack.down(destroy=True)


if __name__ == "__main__":
    sys.exit(main())
