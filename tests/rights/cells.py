"""Every cell of an object against the database, and what differs from the statement."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from tests.rights import statement
from tests.rights.calls import CALLS
from tests.rights.records import VIEWS
from tests.rights.rows import Body, Place
from tests.rights.statement import Line
from tests.rights.trial import NO, YES, Trial
from tests.rights.world import Actor, World

# A row that fails the line's condition: nobody may write one.
FAILS = {
    "flag is not opted_out": {"flag": "opted_out"},
    "method is manual": {"method": "keyword"},
}
SECOND_FACTOR = "second factor"
Attempt = Callable[[Actor, Place, str], str]


class Cells:
    def __init__(self, trial: Trial, world: World) -> None:
        self.trial, self.world = trial, world
        self.types = trial.rows.types
        self.here = Place(world.here.id, world.colleagues[world.here.id])
        self.there = Place(world.there.id, world.colleagues[world.there.id])
        self.strict = Place(world.strict.id, world.colleagues[world.strict.id])

    def differences(self, lines: Iterable[Line]) -> list[str]:
        """`lines` are all lines of one object and verb."""
        return list(self._differences(list(lines)))

    def _differences(self, lines: list[Line]) -> Iterator[str]:
        attempt = self._attempt(lines[0])
        for actor in self.world.members.values():
            yield from self._member(lines, actor, attempt)
        yield from self._outsiders(lines, attempt)
        yield from self._keys(lines, attempt)
        yield from self._conditions(lines)

    def _member(self, lines: list[Line], actor: Actor, attempt: Attempt) -> Iterator[str]:
        role = actor.role
        for column in self._columns(lines, role):
            said = statement.word(lines, role, column or None)
            able = self._equipped(lines, actor, column)
            if able is not actor:
                yield from _unless(NO, actor, lines, column, attempt(actor, self.here, column))
            mine = dataclasses.replace(self.here, user=actor.user) if said == "self" else self.here
            yield from _unless(_answer(said), able, lines, column, attempt(able, mine, column))
        said, column = statement.word(lines, role), self._any_column(lines)
        able = self._equipped(lines, actor, column)
        if said == "self" and lines[0].kind != "function":
            yield from _unless(NO, able, lines, "a colleague's", attempt(able, self.here, column))
        if said != "self":
            elsewhere = YES if said == "all" else NO
            yield from _unless(
                elsewhere, able, lines, "elsewhere", attempt(able, self.there, column)
            )

    def _outsiders(self, lines: list[Line], attempt: Attempt) -> Iterator[str]:
        column = self._any_column(lines)
        own = any(said == "self" for line in lines for said in line.words.values())
        for actor in self.world.outsiders:
            if own and not actor.stands:
                mine = dataclasses.replace(self.here, user=actor.user or self.here.user)
                yield from _unless(NO, actor, lines, "his own", attempt(actor, mine, column))
            if not own or lines[0].kind != "function":
                given = YES if self._open_elsewhere(lines, actor) else NO
                yield from _unless(given, actor, lines, "", attempt(actor, self.here, column))
        if not own:
            weak = self.world.without_factor
            yield from _unless(NO, weak, lines, "", attempt(weak, self.strict, column))

    def _open_elsewhere(self, lines: list[Line], actor: Actor) -> bool:
        """What every member may read, and every key may call."""
        for_all = actor.member and any(line.words["owner"] == "all" for line in lines)
        return for_all or (actor.scopes is not None and any("any" in line.scopes for line in lines))

    def _keys(self, lines: list[Line], attempt: Attempt) -> Iterator[str]:
        line = next((line for line in lines if line.scopes), lines[0])
        column, every = self._any_column([line]), self.world.keys["every scope"]
        # What all scopes together do not open, none opens alone.
        for actor in self.world.keys.values() if line.scopes else [every]:
            opened = bool(line.scopes & {"any", *(actor.scopes or ())})
            mine = self.here
            if line.words["owner"] == "self":
                mine = dataclasses.replace(self.here, user=actor.user)
            yield from _unless(
                YES if opened else NO, actor, lines, column, attempt(actor, mine, column)
            )
            if opened and line.words["owner"] == "location":
                yield from _unless(
                    NO, actor, lines, "elsewhere", attempt(actor, self.there, column)
                )

    def _conditions(self, lines: list[Line]) -> Iterator[str]:
        owner = self.world.members["owner"]
        for line in lines:
            failing = FAILS.get(line.condition)
            if failing:
                said = self._failing(line, owner, failing)
                yield from _unless(NO, owner, lines, f"unless {line.condition}", said)

    def _failing(self, line: Line, actor: Actor, failing: Body) -> str:
        if line.verb == "insert":
            return self.trial.insert(actor, line.object, self.here, failing)
        body = self.trial.rows.records[line.object].body(self.trial.rows, self.here) | failing
        key = self.trial.rows.insert(line.object, body, self.trial.rows.records[line.object].key)
        if line.verb == "delete":
            return self.trial.delete(actor, line.object, key)
        change = {line.columns[0]: self.trial.rows.change(line.object, line.columns[0], key)}
        return self.trial.update(actor, line.object, key, change)

    def _equipped(self, lines: list[Line], actor: Actor, column: str) -> Actor:
        """With the second factor where the column asks for one."""
        asked = any(
            line.condition == SECOND_FACTOR
            and line.names(column)
            and line.words[actor.role] != "none"
            for line in lines
            if actor.role != "service_role"
        )
        return dataclasses.replace(actor, headers=actor.second_factor) if asked else actor

    def _columns(self, lines: list[Line], role: str) -> list[str]:
        """The columns to try one by one; '' where the whole row or call is one thing."""
        if lines[0].verb in ("delete", "execute"):
            return [""]
        if all(line.words[role] == "none" for line in lines):
            return [self._any_column(lines)]
        names = list(self.types[lines[0].object])
        if lines[0].verb == "insert":
            body = self.trial.rows.body(lines[0].object, self.here)
            names = ["", *(name for name in names if name not in body)]
        return [
            name for name in names if role != "service_role" or name not in self._generated(lines)
        ]

    def _generated(self, lines: list[Line]) -> set[str]:
        if lines[0].verb == "select":
            return set()
        found = self.trial.rows.db.execute(
            "select attname from pg_attribute where attrelid = %s::regclass"
            " and (attgenerated <> '' or attidentity <> '')",
            (lines[0].object,),
        )
        return {name for (name,) in found}

    def _any_column(self, lines: list[Line]) -> str:
        """A column somebody may write or read, for who may not."""
        line = next((line for line in lines if line.columns), lines[0])
        if line.verb in ("delete", "execute", "insert"):
            return ""
        key = self.trial.rows.records[VIEWS.get(line.object, line.object)].key
        if line.columns in ((), ("*",)):
            return next((name for name in self.types[line.object] if name not in key), key[0])
        return line.columns[-1]

    def _attempt(self, line: Line) -> Attempt:
        trial, rows, name = self.trial, self.trial.rows, line.object
        kept: dict[Place, Body] = {}

        def sample(place: Place) -> Body:
            """A row is made once for a place, and anew where it will be deleted."""
            if line.verb == "delete" or place not in kept:
                kept[place] = rows.make(VIEWS.get(name, name), place, new=line.verb == "delete")
            return kept[place]

        def value(column: str, place: Place) -> Body:
            return {column: rows.value(name, column, place)} if column else {}

        def change(column: str, key: Body) -> Body:
            return {column: rows.change(name, column, key)}

        attempts: dict[str, Attempt] = {
            "select": lambda actor, place, column: trial.select(actor, name, sample(place), column),
            "insert": lambda actor, place, column: trial.insert(
                actor, name, place, value(column, place)
            ),
            "update": lambda actor, place, column: trial.update(
                actor, name, sample(place), change(column, sample(place))
            ),
            "delete": lambda actor, place, column: trial.delete(actor, name, sample(place)),
            "execute": lambda actor, place, column: trial.call(
                actor, name, CALLS[name](rows, place)
            ),
        }
        return attempts[line.verb]


def _answer(said: str) -> str:
    return NO if said == "none" else YES


def _unless(expected: str, actor: Actor, lines: list[Line], what: str, got: str) -> Iterator[str]:
    if got != expected:
        yield f"{actor.name}: {lines[0]} {f'({what}) ' if what else ''}is {got}, stated: {expected}"
