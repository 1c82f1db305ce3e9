from __future__ import annotations

from app import kept
from app.kept import Kept


def test_it_is_known_until_its_time() -> None:
    now = 0.0
    known: Kept[str] = Kept(lambda: now)
    known.keep("a", "found", until=10)
    assert (known.get("a"), known.get("b")) == ("found", None)
    now = 10.0
    assert known.get("a") is None


def test_it_never_grows_without_bound() -> None:
    known: Kept[int] = Kept(lambda: 0)
    for number in range(kept.MOST + 1):
        known.keep(str(number), number, until=1)
    assert known.get(str(kept.MOST)) == kept.MOST
    assert len(known._found) <= kept.MOST
