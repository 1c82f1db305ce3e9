"""python -m sandbox"""

from __future__ import annotations

import logging

from aiohttp import web

from sandbox import app
from sandbox.settings import Settings

GRACE_S = 1.0


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    settings = Settings.from_env()
    web.run_app(
        app.build(settings),
        host="127.0.0.1",
        port=settings.port,
        print=None,
        access_log=None,
        shutdown_timeout=GRACE_S,
    )


if __name__ == "__main__":
    main()
