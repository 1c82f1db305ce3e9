"""Prints the rows of private.area_codes: the zones of each area code, by the phonenumbers library.

`python -m devstack.area_codes`; a test compares what it prints with what the database holds.
"""

from __future__ import annotations

from collections import defaultdict

from phonenumbers.tzdata import TIMEZONE_DATA

NANP = "1"
AREA_CODE = slice(1, 4)


def zones_by_area_code() -> dict[str, list[str]]:
    """Every zone of every exchange: a number may have been carried anywhere within its area."""
    found: dict[str, set[str]] = defaultdict(set)
    for prefix, zones in TIMEZONE_DATA.items():
        if prefix.startswith(NANP) and len(prefix) >= len(NANP) + 3:
            found[prefix[AREA_CODE]].update(zones)
    return {code: sorted(found[code]) for code in sorted(found)}


def lines() -> list[str]:
    """One row of SQL for all area codes that share their zones."""
    shared: dict[str, list[str]] = defaultdict(list)
    for code, zones in zones_by_area_code().items():
        shared[",".join(zones)].append(code)
    return [f"('{{{','.join(codes)}}}', '{{{zones}}}')" for zones, codes in sorted(shared.items())]


if __name__ == "__main__":
    print(",\n".join(lines()))
