"""One object and one verb, tried by anybody at any place, column by column."""

from __future__ import annotations

from tests.rights.calls import CALLS
from tests.rights.records import VIEWS
from tests.rights.rows import Body, Place
from tests.rights.statement import Line
from tests.rights.trial import Trial
from tests.rights.world import Actor

WHOLE = ""
"""In a column's place: the whole row, or the whole call."""


class Attempt:
    def __init__(self, trial: Trial, line: Line) -> None:
        self.trial, self.rows = trial, trial.rows
        self.name, self.verb = line.object, line.verb
        self.source = VIEWS.get(self.name, self.name)
        self._kept: dict[Place, Body] = {}

    def __call__(self, actor: Actor, place: Place, column: str) -> str:
        trial, name = self.trial, self.name
        if self.verb == "execute":
            return trial.call(actor, name, CALLS[name](self.rows, place))
        if self.verb == "insert":
            return trial.insert(actor, name, self.rows.body(name, place), self._more(column, place))
        key = self._sample(place)
        if self.verb == "select":
            return trial.select(actor, name, key, column)
        if self.verb == "update":
            return trial.update(actor, name, key, {column: self.rows.change(name, column, key)})
        return trial.delete(actor, name, key)

    def everything(self, actor: Actor, place: Place, column: str) -> str:
        """Changes or deletes with no filter at all."""
        if self.verb == "delete":
            return self.trial.everything(actor, self.name, "DELETE", None)
        change = {column: self.rows.value(self.name, column, place)}
        return self.trial.everything(actor, self.name, "PATCH", change)

    def columns(self, at: Place) -> list[str]:
        """What is tried one by one by who has the verb."""
        if self.verb in ("delete", "execute"):
            return [WHOLE]
        names = list(self.rows.types[self.name])
        if self.verb != "insert":
            return names
        self._given = set(self.rows.body(self.name, at))
        return [WHOLE, *names]

    def one_column(self, line: Line) -> str:
        """A column that somebody may read or write, for who may not."""
        if self.verb in ("delete", "execute", "insert"):
            return WHOLE
        if line.columns not in ((), ("*",)):
            return line.columns[-1]
        key = self.rows.records[self.source].key
        return next((name for name in self.rows.types[self.name] if name not in key), key[0])

    def generated(self) -> set[str]:
        """Columns that are nobody's to write, service_role's neither."""
        if self.verb in ("select", "execute"):
            return set()
        found = self.rows.db.execute(
            "select attname from pg_attribute where attrelid = %s::regclass"
            " and (attgenerated <> '' or attidentity <> '')",
            (self.name,),
        )
        return {name for (name,) in found}

    def _sample(self, place: Place) -> Body:
        """A row is made once for a place, and anew where it will be deleted."""
        deletes = self.verb == "delete"
        if deletes or place not in self._kept:
            self._kept[place] = self.rows.make(self.source, place, new=deletes)
        return self._kept[place]

    def _more(self, column: str, place: Place) -> Body:
        """Beyond what every row needs; a needed column is tried by any row."""
        if column == WHOLE or column in self._given:
            return {}
        return {column: self.rows.value(self.name, column, place)}
