"""What a stack's first start makes of what it finds."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator

import pytest

from devstack import settings
from devstack.layout import Folder


@pytest.fixture
def folder() -> Iterator[Folder]:
    """Of a stack that never runs."""
    made = Folder(f"settings-{uuid.uuid4().hex[:8]}")
    yield made
    shutil.rmtree(settings.data_folder(made).parent, ignore_errors=True)
    shutil.rmtree(made.path, ignore_errors=True)


def test_a_database_whose_passwords_are_gone_is_set_aside(folder: Folder) -> None:
    """Its checkout was deleted and cloned again: whoever starts it is refused for ever."""
    data = settings.data_folder(folder)
    for found in ("first", "second"):
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text(found)
        env = settings.ensure(folder)
        assert env["POSTGRES_DATA"] == str(data) and not data.exists()
        assert (data.with_name("lost") / "PG_VERSION").read_text() == found
        folder.devstack_env.unlink()


def test_a_database_whose_passwords_are_there_stays(folder: Folder) -> None:
    data = settings.data_folder(folder)
    settings.ensure(folder)
    data.mkdir(parents=True)
    settings.ensure(folder)
    assert data.exists()
