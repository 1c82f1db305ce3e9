"""The Flask door. `create_app(config)` builds it; nothing is read or opened at import."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Config


def create_app(config: Config) -> Flask:
    # Imported here: workers import parts of `app` for every job and need no Flask.
    from app.web import build

    return build(config)
