"""The merge gives the same in whatever pieces a file is cut. Judge: the same file row by row."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.imports import end_state
from tests.imports.random_rows import Row, make_edits, make_rows, number

WHOLE = 1_000
# Files that read otherwise once they are in. 8: a name is the alias of two people at a house, and
# a later row gave it to the one who was there first. 13: a row without APN takes the house without,
# a later row gives that house its APN, and an older parcel was moved to the address by hand.
AMBIGUOUS = frozenset({8, 13})


@dataclass
class Place:
    """A fresh location with an owner, imported into by the worker's own functions."""

    db: psycopg.Connection[Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    stem: str = field(default_factory=lambda: f"{random.SystemRandom().randrange(10**8):08d}")

    def __post_init__(self) -> None:
        self.owner = str(uuid.uuid4())
        self.db.execute("insert into locations (id, name) values (%s, 'A cut')", (self.id,))
        self.db.execute(
            "insert into auth.users (id, email) values (%s, %s)",
            (self.owner, f"{self.owner}@example.com"),
        )
        self.db.execute(
            "insert into location_members (user_id, location_id, role) values (%s, %s, 'owner')",
            (self.owner, self.id),
        )

    def put(self, rows: list[Row], size: int, **told: str) -> str:
        """One import, `size` rows a batch. Returns its id."""
        found, lease = str(uuid.uuid4()), str(uuid.uuid4())
        told = {"duplicates": "merge", "tier": "campaign", "consent": "unknown", **told}
        self.db.execute(
            "insert into imports (id, location_id, list_id, list_name, file_path, filename,"
            " size_bytes, sha256, tier, duplicates, consent) values (%(id)s, %(at)s,"
            " private.import_list(%(at)s, 'Westcliff', 'a.csv'), 'Westcliff', 'a', 'a.csv', 1,"
            " repeat('0', 64), %(tier)s, %(duplicates)s, %(consent)s)",
            {"id": found, "at": self.id, **told},
        )
        self.db.execute("select claim_import(%s, %s)", (found, lease))
        self.db.execute(
            "select begin_import(%s, %s, 'propertyradar', %s, '[]', %s, 0)",
            (found, lease, told["tier"], len(rows)),
        )
        left = iter(rows)
        for batch_no, batch in enumerate(iter(lambda: list(islice(left, size)), [])):
            self.db.execute(
                "select import_batch(%s, %s, %s, %s)", (found, lease, batch_no, Jsonb(batch))
            )
        self.db.execute("select finish_import(%s, %s)", (found, lease))
        return found

    def edit(self, seed: int) -> None:
        """What the owner does at his screen, under his own rights."""
        with self.db.transaction():
            self.db.execute("set local role authenticated")
            claims = json.dumps({"sub": self.owner, "role": "authenticated"})
            self.db.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
            for statement, values in make_edits(seed, self.stem, self.id):
                self.db.execute(statement.encode(), values)

    def told(self) -> list[str]:
        return end_state.told(self.db, self.id, self.stem)

    def redone(self) -> int:
        row = self.db.execute(
            "select count(*) from import_batches where redone and location_id = %s", (self.id,)
        ).fetchone()
        assert row
        return int(row[0])


@dataclass(frozen=True)
class Story:
    """What came before the file, and how the file is taken."""

    seed: int
    duplicates: str
    size: int
    tier: str
    consent: str
    has_past: bool

    @classmethod
    def of(cls, seed: int) -> Story:
        rng = random.Random(seed)
        return cls(
            seed,
            rng.choice(("merge", "replace", "skip")),
            rng.choice((7, 13, WHOLE, WHOLE)),
            rng.choice(("campaign", "campaign", "campaign", "database")),
            rng.choice(("unknown", "unknown", "express")),
            rng.random() < 0.6,
        )

    def play(self, place: Place, size: int) -> None:
        if self.has_past:
            place.put(make_rows(self.seed + 1_000_000, place.stem), WHOLE)
            place.edit(self.seed)
        self.again(place, size)

    def again(self, place: Place, size: int) -> None:
        told = {"duplicates": self.duplicates, "tier": self.tier, "consent": self.consent}
        place.put(make_rows(self.seed, place.stem), size, **told)


def assert_sound(place: Place) -> None:
    assert place.redone() == 0, "ordinary data goes in as a whole"
    assert end_state.wrong(place.db, place.id) == []


def assert_alike(cut: Place, judge: Place) -> None:
    for place in (cut, judge):
        assert_sound(place)
    ours, theirs = Counter(cut.told()), Counter(judge.told())
    assert list((ours - theirs).elements()) == list((theirs - ours).elements())


def cut_and_judged(db: psycopg.Connection[Any], story: Story) -> Place:
    cut, judge = Place(db), Place(db)
    story.play(cut, story.size)
    story.play(judge, 1)
    assert_alike(cut, judge)
    return cut


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 12))]
)
def test_a_file_gives_the_same_in_any_cut(db: psycopg.Connection[Any], seed: int) -> None:
    story = Story.of(seed)
    place = cut_and_judged(db, story)
    before = end_state.written(db, place.id)
    story.again(place, story.size)
    assert_sound(place)
    if seed not in AMBIGUOUS:
        assert end_state.written(db, place.id) == before, story


@pytest.mark.soak
@pytest.mark.parametrize("hundred", range(1, 4))
def test_hundreds_of_files_give_the_same_in_any_cut(
    db: psycopg.Connection[Any], hundred: int
) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        cut_and_judged(db, Story.of(seed))


def row(apn: str = "", address: str = "", *people: Row, **cells: Any) -> Row:
    place = {"apn": apn, "address": address, **cells}
    return {"property": {key: value for key, value in place.items() if value}, "people": people}


def person(name: str, phone: int | None = None, slot: str = "primary") -> Row:
    found: Row = {"slot": slot, "display_name": name, "last_name": name}
    return found if phone is None else {**found, "phone": phone}


def sheet(place: Place, rows: list[Row]) -> list[Row]:
    """The rows with their numbers, and the people's numbers with the place's stem."""
    return [
        {
            "row_no": row_no,
            "property": r["property"],
            "people": [
                {**p, "phone": number(place.stem, p["phone"])} if "phone" in p else p
                for p in r["people"]
            ],
        }
        for row_no, r in enumerate(rows, 2)
    ]


ANNA, BERT = "ANNA", "BERT"
# (what came before, the file): each was different in one batch.
MET = {
    "the house gets its address in between": (
        [],
        [row("A"), row("A", "1 OAK ST"), row("", "1 OAK ST", square_feet=1)],
    ),
    "two parcels of one batch at the address of a third row": (
        [],
        [row("A", "1 OAK ST"), row("B", "1 OAK ST"), row("", "1 OAK ST", square_feet=7)],
    ),
    "two parcels as old as each other that move to one address": (
        [row("A", "1 OAK ST"), row("B", "2 ELM RD")],
        [row("A", "3 HILL CT"), row("B", "3 HILL CT"), row("", "3 HILL CT", square_feet=7)],
    ),
    "one house by its APN and by its address": (
        [row("A", "1 OAK ST")],
        [row("A", "9 ELM ST", year_built=1950), row("", "1 OAK ST", square_feet=7)],
    ),
    "two numbers for one who had none": (
        [row("A", "", person(ANNA))],
        [row("A", "", person(ANNA, 1)), row("A", "", person(ANNA, 2))],
    ),
    "one without number, named before another's number had the name": (
        [],
        [
            row("A", "", person(ANNA)),
            row("A", "", person(BERT, 1)),
            row("A", "", person(ANNA, 1)),
        ],
    ),
    "who came first is the house's first, number or none": (
        [],
        [row("A", "", person(ANNA)), row("A", "", person(BERT, 1))],
    ),
    "a name known only from the house of another row": (
        [],
        [
            row("A", "", person(BERT, 1)),
            row("B", "", person(ANNA)),
            row("B", "", person(ANNA, 1)),
            row("B", "", person(ANNA)),
        ],
    ),
}


@pytest.mark.parametrize("duplicates", ["merge", "replace", "skip"])
@pytest.mark.parametrize("met", MET)
def test_rows_that_meet_take_turns(db: psycopg.Connection[Any], met: str, duplicates: str) -> None:
    past, file = MET[met]
    cut, judge = Place(db), Place(db)
    for place, size in ((cut, WHOLE), (judge, 1)):
        place.put(sheet(place, past), WHOLE)
        place.put(sheet(place, file), size, duplicates=duplicates)
    assert_alike(cut, judge)
    before = end_state.written(db, cut.id)
    cut.put(sheet(cut, file), WHOLE, duplicates=duplicates)
    assert end_state.written(db, cut.id) == before
