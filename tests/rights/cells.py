"""Every cell of an object against the database, and what differs from the statement."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from tests.rights import statement
from tests.rights.attempts import Attempt
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


class Cells:
    def __init__(self, trial: Trial, world: World) -> None:
        self.trial, self.world = trial, world
        self.here, self.there, self.strict = (
            Place(place.id, world.colleagues[place.id])
            for place in (world.here, world.there, world.strict)
        )

    def differences(self, lines: Iterable[Line]) -> list[str]:
        """`lines` are all lines of one object and verb."""
        return list(Verb(self, list(lines)).differences())

    def of(self, actor: Actor) -> Place:
        """Here, and what is his."""
        return dataclasses.replace(self.here, user=actor.user or self.here.user)


class Verb:
    """One object's verb: its lines, and everybody who tries."""

    def __init__(self, cells: Cells, lines: list[Line]) -> None:
        self.cells, self.world, self.lines = cells, cells.world, lines
        self.attempt = Attempt(cells.trial, lines[0])
        self.columns = self.attempt.columns(cells.here)
        self.generated = self.attempt.generated()
        self.opened = next((line for line in lines if line.columns), lines[0])
        self.is_call = lines[0].kind == "function"

    def differences(self) -> Iterator[str]:
        for actor in self.world.members.values():
            yield from self._member(actor)
        for actor in self.world.outsiders:
            yield from self._outsider(actor)
        if not self._has_own():
            yield from self._try(NO, self.world.without_factor, self.cells.strict)
            yield from self._everything(self.world.without_factor)
        yield from self._keys()
        yield from self._conditions()

    def _member(self, actor: Actor) -> Iterator[str]:
        for column in self._columns_of(actor.role):
            said = statement.word(self.lines, actor.role, column or None)
            able = self._equipped(actor, column)
            if able is not actor:
                yield from self._try(NO, actor, self.cells.here, column)
            mine = self.cells.of(actor) if said == "self" else self.cells.here
            yield from self._try(NO if said == "none" else YES, able, mine, column)
        yield from self._beyond(actor)

    def _beyond(self, actor: Actor) -> Iterator[str]:
        """What is a colleague's, and what is elsewhere."""
        said = statement.word(self.lines, actor.role)
        able = self._equipped(actor, self.attempt.one_column(self.opened))
        if said != "self":
            given = YES if said == "all" else NO
            yield from self._try(given, able, self.cells.there, note="elsewhere")
        elif not self.is_call:
            yield from self._try(NO, able, self.cells.here, note="a colleague's")
        if said == "none":
            yield from self._everything(actor)

    def _outsider(self, actor: Actor) -> Iterator[str]:
        if self._has_own() and not actor.stands:
            yield from self._try(NO, actor, self.cells.of(actor), note="his own")
        if not self._has_own() or not self.is_call:
            given = YES if self._is_for_him_too(actor) else NO
            yield from self._try(given, actor, self.cells.here)
        if not (actor.member or self._has_own() and actor.stands):
            yield from self._everything(actor)

    def _everything(self, actor: Actor) -> Iterator[str]:
        """Of who may write nowhere."""
        if self.attempt.verb in ("update", "delete"):
            column = self.attempt.one_column(self.opened)
            got = self.attempt.everything(actor, self.cells.here, column)
            yield from self._differs(NO, actor, got, "without a filter")

    def _keys(self) -> Iterator[str]:
        line = next((line for line in self.lines if line.scopes), self.lines[0])
        own = line.words["owner"]
        # What all scopes together do not open, none opens alone.
        every = self.world.keys["every scope"]
        for actor in self.world.keys.values() if line.scopes else [every]:
            opened = bool(line.scopes & {"any", *(actor.scopes or ())})
            mine = self.cells.of(actor) if own == "self" else self.cells.here
            yield from self._try(YES if opened else NO, actor, mine)
            if opened and own == "location":
                yield from self._try(NO, actor, self.cells.there, note="elsewhere")

    def _conditions(self) -> Iterator[str]:
        owner = self.world.members["owner"]
        for line in self.lines:
            if line.condition in FAILS:
                said = self._failing(line, owner, FAILS[line.condition])
                yield from self._differs(NO, owner, said, f"unless {line.condition}")

    def _failing(self, line: Line, actor: Actor, failing: Body) -> str:
        """The verb on a row that the condition shuts out."""
        trial, rows, name = self.cells.trial, self.cells.trial.rows, line.object
        body = rows.body(name, self.cells.here)
        if line.verb == "insert":
            return trial.insert(actor, name, body, failing)
        key = rows.insert(name, body | failing, rows.records[name].key)
        if line.verb == "delete":
            return trial.delete(actor, name, key)
        column = line.columns[0]
        return trial.update(actor, name, key, {column: rows.change(name, column, key)})

    def _columns_of(self, role: str) -> list[str]:
        if all(line.words[role] == "none" for line in self.lines):
            return [self.attempt.one_column(self.opened)]
        if role != "service_role":
            return self.columns
        return [name for name in self.columns if name not in self.generated]

    def _equipped(self, actor: Actor, column: str) -> Actor:
        """With the second factor, where the column is his and asks for one."""
        asked = actor.role != "service_role" and any(
            line.condition == SECOND_FACTOR
            and line.names(column)
            and line.words[actor.role] != "none"
            for line in self.lines
        )
        return dataclasses.replace(actor, headers=actor.second_factor) if asked else actor

    def _has_own(self) -> bool:
        return any(said == "self" for line in self.lines for said in line.words.values())

    def _is_for_him_too(self, actor: Actor) -> bool:
        """What every member may read, and every key may call."""
        if actor.scopes is not None:
            return any("any" in line.scopes for line in self.lines)
        return actor.member and any(line.words["owner"] == "all" for line in self.lines)

    def _try(
        self, expected: str, actor: Actor, place: Place, column: str | None = None, note: str = ""
    ) -> Iterator[str]:
        if column is None:
            column = self.attempt.one_column(self.opened)
        got = self.attempt(actor, place, column)
        yield from self._differs(expected, actor, got, note or column)

    def _differs(self, expected: str, actor: Actor, got: str, what: str) -> Iterator[str]:
        if got != expected:
            about = f"({what}) " if what else ""
            yield f"{actor.name}: {self.lines[0]} {about}is {got}, stated: {expected}"
