"""Runs pgTAP files through psql and reads their TAP.

    python -m devstack.pgtap [--name stack] [file ...]

A file fails by a `not ok`, by an error, and by fewer or more tests than its plan says, or no plan.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from devstack import postgres
from devstack.layout import CHECKOUT
from devstack.stack import Stack

TESTS = CHECKOUT / "supabase" / "tests"


@dataclass
class Outcome:
    passed: int = 0
    problems: list[str] = field(default_factory=list)


def read_tap(text: str) -> Outcome:
    """Counts the tests of one file; what a pgTAP test says after `not ok` follows in # lines."""
    outcome = Outcome()
    plans = [int(count) for count in re.findall(r"^1\.\.(\d+)", text, re.MULTILINE)]
    ran = re.findall(r"^(ok|not ok)\b(.*(?:\n#.*)*)", text, re.MULTILINE)
    for verdict, words in ran:
        if verdict == "ok" and not re.search(r"#\s*(skip|todo)\b", words, re.IGNORECASE):
            outcome.passed += 1
        else:
            outcome.problems.append(f"{verdict}{words}")
    if len(plans) != 1:
        outcome.problems.append(f"{len(plans)} plans instead of one")
    elif plans[0] != len(ran):
        outcome.problems.append(f"planned {plans[0]} tests but ran {len(ran)}")
    return outcome


def run_file(url: str, path: Path) -> Outcome:
    done = postgres.psql(url, path.read_text(), "-A", "-t")
    outcome = read_tap(done.stdout)
    if done.returncode:
        outcome.problems.append(done.stderr.strip())
    return outcome


def run(url: str, paths: list[Path]) -> bool:
    """Runs the files and prints what failed; True when something ran and all of it passed."""
    passed = failed = 0
    for path in paths:
        outcome = run_file(url, path)
        passed += outcome.passed
        failed += len(outcome.problems)
        for problem in outcome.problems:
            print(f"{path.name}: {problem}")
    print(f"pgTAP: {passed} passed, {failed} failed in {len(paths)} files", flush=True)
    return bool(passed) and not failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devstack.pgtap", description=__doc__)
    parser.add_argument("--name", default="dev", help="which stack")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    paths = options.files or sorted(TESTS.glob("*.sql"))
    return 0 if run(Stack(options.name).env["DATABASE_URL"], paths) else 1


if __name__ == "__main__":
    sys.exit(main())
