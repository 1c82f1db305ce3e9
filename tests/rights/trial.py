"""One cell tried through the gateway, and what became of it."""

from __future__ import annotations

import httpx

from tests.rights.rows import Body, Rows
from tests.rights.world import Actor

YES, NO = "allowed", "refused"
# PostgREST's own 404: the name or the arguments are wrong, and nobody was refused anything.
NOT_A_REFUSAL = ("PGRST202", "PGRST204", "PGRST205", "42P01")
# A generated column: refused before anybody asks who wants to write it.
NOBODY_WRITES = "428C9"
# Said by a function to who may call it: there is nothing to do on a stack that has its owners.
LET_IN = ("owner_exists",)


def verdict(answer: httpx.Response) -> str:
    """Anything but yes and no (a wrong value, a conflict) is said, and differs from both."""
    if answer.is_success:
        return YES
    code = answer.json().get("code") if "json" in answer.headers.get("content-type", "") else ""
    if code == NOBODY_WRITES:
        return NO
    if answer.status_code in (401, 403, 404) and code not in NOT_A_REFUSAL:
        return NO
    return f"{answer.status_code} {answer.text}"


class Trial:
    def __init__(self, http: httpx.Client, rows: Rows) -> None:
        self.http, self.rows = http, rows

    def select(self, actor: Actor, name: str, key: Body, columns: str) -> str:
        answer = self.http.get(
            f"/{name}", params={"select": columns} | _is(key), headers=actor.headers
        )
        return NO if answer.is_success and answer.json() == [] else verdict(answer)

    def insert(self, actor: Actor, table: str, body: Body, more: Body) -> str:
        """A new row with `more` columns; what counts is whether it is there afterwards."""
        before = self.rows.there(table, body)
        answer = self.http.post(f"/{table}", json=body | more, headers=actor.headers)
        said, kept = verdict(answer), self.rows.there(table, body) > before
        if kept == (said == YES):
            return said
        return f"{said}, but the row is {'' if kept else 'not '}there"

    def update(self, actor: Actor, table: str, key: Body, change: Body) -> str:
        before = self.rows.version(table, key)
        answer = self.http.patch(f"/{table}", params=_is(key), json=change, headers=actor.headers)
        happened = before != self.rows.version(table, key)
        for column in self.rows.records[table].restored.keys() & change.keys():
            self.rows.restore(table, key, column)
        return self._written(answer, happened)

    def delete(self, actor: Actor, table: str, key: Body) -> str:
        answer = self.http.delete(f"/{table}", params=_is(key), headers=actor.headers)
        return self._written(answer, self.rows.version(table, key) is None)

    def everything(self, actor: Actor, table: str, method: str, change: Body | None) -> str:
        """PATCH or DELETE without a filter: Postgres then asks no policy for reading."""
        headers = actor.headers | {"Prefer": "count=exact"}
        answer = self.http.request(method, f"/{table}", json=change, headers=headers)
        return NO if answer.headers.get("content-range") == "*/0" else verdict(answer)

    def call(self, actor: Actor, name: str, arguments: Body) -> str:
        """A function that answers with no row or null has given nothing."""
        answer = self.http.post(f"/rpc/{name}", json=arguments, headers=actor.headers)
        if not answer.is_success and answer.json()["message"] in LET_IN:
            return YES
        nothing = answer.is_success and answer.content and answer.json() in ([], None)
        return NO if nothing else verdict(answer)

    def _written(self, answer: httpx.Response, happened: bool) -> str:
        """What was written decides: an answer of success for no row is a refusal."""
        said = verdict(answer)
        if said == YES:
            return YES if happened else NO
        return f"{said}, but it happened" if happened else said


def _is(key: Body) -> dict[str, str]:
    return {column: f"eq.{value}" for column, value in key.items()}
