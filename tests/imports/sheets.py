"""PropertyRadar files as tests need them: the sample, and small ones made of a few rows."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "data" / "propertyradar-2180.csv"
# The research digest's §3.6, for the sample.
GOLDEN = {
    "total_rows": 2180,
    "ignored_rows": 1,
    "processed_rows": 2180,
    "rejected_rows": 0,
    "properties_created": 2180,
    "contacts_created": 2793,
    "links_created": 2803,
    "list_members_created": 2793,
}

HEADER = (
    "Type,Address,City,ZIP,Subdivision,Longitude,Latitude,APN,Yr Built,Purchase Date,"
    "Purchase Mos Since,Sq Ft,Beds,Baths,Est Value,Est Equity $,Owner,Mail Address,Mail City,"
    "Mail State,Mail ZIP,Owner Occ?,Listed for Sale?,Listing Status,Foreclosure?,Est Equity %,"
    "High Equity?,Primary Name,Primary Mobile Phone1,Primary Mobile 1 Status,Primary Email1,"
    "Primary Email 1 Status,Primary Email1 Hash,Secondary Name,Secondary Mobile Phone1,"
    "Secondary Mobile 1 Status,Secondary Email1,Secondary Email 1 Status,Secondary Email1 Hash"
).split(",")
AREAS = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 "
    "229 231 234 239 240 248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 "
    "303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 "
    "334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 "
    "413 414 415 417 419 423 425 432 434 435 440 443 469 478 479 480 484 501 502 503 "
    "504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551 559 561 562 "
    "563 567 570 571 573 574 575 580 585 586 601 602 603 605 606 607 608 609 610 612 "
    "614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 "
    "682"
).split()
# Area codes that neither the sample nor any numbered person has.
QUIET_AREAS = (
    "204 220 223 226 227 235 236 249 250 257 263 272 273 274 279 283 "
    "289 306 324 326 327 329 332 340 341 343 346 350 353 354"
).split()
_QUIET = [f"{area}-555-{number:04d}" for area in QUIET_AREAS for number in range(100, 200)]
_PHONES = iter(random.sample(_QUIET, len(_QUIET)))
HOUSE_COLUMNS = HEADER[:27]
# What tests call the columns they speak of.
COLUMN = {
    "type": "Type",
    "address": "Address",
    "city": "City",
    "zip": "ZIP",
    "apn": "APN",
    "built": "Yr Built",
    "bought": "Purchase Date",
    "sqft": "Sq Ft",
    "beds": "Beds",
    "baths": "Baths",
    "value": "Est Value",
    "equity": "Est Equity $",
    "owner": "Owner",
    "mail_state": "Mail State",
    "mail_zip": "Mail ZIP",
    "listing": "Listing Status",
    "name": "Primary Name",
    "phone": "Primary Mobile Phone1",
    "email": "Primary Email1",
    "name2": "Secondary Name",
    "phone2": "Secondary Mobile Phone1",
    "email2": "Secondary Email1",
}

Row = dict[str, str]


def house(**cells: str) -> Row:
    """A row by column; an address and an APN unless told otherwise ("" for none)."""
    told = {"address": "1 OAK ST", "city": "WESTCLIFF", "zip": "02721", "apn": "A-1", **cells}
    return {COLUMN.get(name, name): value for name, value in told.items()}


def sheet(*rows: Row, header: Sequence[str] = HEADER) -> bytes:
    """The rows as the export writes them: CRLF, no byte order mark."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([[row.get(name, "") for name in header] for row in rows])
    return text.getvalue().encode()


def street(count: int, **cells: str) -> list[Row]:
    """`count` houses, each with an owner who has a number of his own."""
    return [
        house(
            address=f"{n} ELM ST",
            apn=f"E-{n}",
            name=f"{_letters(n)} ELMS",
            phone=numbered(n),
            value=str(400_000 + n),
            **cells,
        )
        for n in range(1, count + 1)
    ]


def numbered(n: int) -> str:
    """The n-th number of those kept free for fiction (555-0100 … 0199), area by area."""
    return f"{AREAS[n // 100]}-555-{100 + n % 100:04d}"


def any_phone() -> str:
    """A number for fiction that no other test of the process has: opt-outs hold everywhere."""
    return next(_PHONES)


def e164(phone: str) -> str:
    return "+1" + phone.replace("-", "")


def _letters(n: int) -> str:
    return "".join(chr(65 + int(digit)) for digit in f"{n:04d}")
