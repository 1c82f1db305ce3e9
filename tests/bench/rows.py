"""PropertyRadar-shaped files of any length: the sample's rows again, as other houses and people."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "data" / "propertyradar-2180.csv"
_AREA_CODES = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218)
_LINES_AN_EXCHANGE, _EXCHANGES = 9_990, 790


def write_file(path: Path, rows: int, without_emails: bool = False) -> None:
    """Writes `rows` data rows with the sample's header, statistics and duplicates.

    Each round of 2,180 rows has APNs, streets and numbers of its own.
    """
    with SAMPLE.open(newline="") as sample, path.open("w", newline="") as file:
        header, *lines = csv.reader(sample)
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(_rounds(header, lines[:-1], rows, without_emails))


def _rounds(
    header: list[str], lines: list[list[str]], rows: int, without_emails: bool
) -> Iterator[list[str]]:
    numbers: dict[tuple[int, str], str] = {}
    at = {name: index for index, name in enumerate(header)}
    for n in range(rows):
        round_no, row = n // len(lines), list(lines[n % len(lines)])
        row[at["APN"]] += f"-{round_no}"
        row[at["Address"]] = row[at["Mail Address"]] = f"{round_no + 1}{row[at['Address']]}"
        for slot in ("Primary", "Secondary"):
            phone = at[f"{slot} Mobile Phone1"]
            if row[phone]:
                row[phone] = numbers.setdefault((round_no, row[phone]), _phone(len(numbers)))
            for column in (at[f"{slot} Email1"], at[f"{slot} Email1 Hash"]):
                kept = row[column] and not without_emails
                row[column] = f"r{round_no}.{row[column]}" if kept else ""
        yield row


def _phone(n: int) -> str:
    exchange, line = divmod(n, _LINES_AN_EXCHANGE)
    area, exchange = divmod(exchange, _EXCHANGES)
    return f"{_AREA_CODES[area]}-{200 + exchange}-{10 + line:04d}"
