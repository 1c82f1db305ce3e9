"""python -m devstack.gateway"""

from __future__ import annotations

import logging
import os
import sys

from aiohttp import web

from devstack.gateway import app, settings
from devstack.gateway.auth_settings import SettingsError
from devstack.layout import StackError, refuse_production

MAX_URL = 1 << 17
GRACE_S = 2.0


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    try:
        refuse_production()
        told = settings.load(os.environ)
    except (StackError, SettingsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Local stand-in for Supabase on {told.public_url}, for development only", flush=True)
    web.run_app(
        app.build(told),
        host="127.0.0.1",
        port=told.port,
        print=None,
        access_log=None,
        shutdown_timeout=GRACE_S,
        max_line_size=MAX_URL,
        max_field_size=MAX_URL,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
