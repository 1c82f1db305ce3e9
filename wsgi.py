"""The web process: gunicorn wsgi:app."""

import sys

from app import create_app
from app.config import Config, ConfigError

# gunicorn's "the app cannot be loaded": its master stops instead of trying again for ever.
CANNOT_LOAD = 4

try:
    app = create_app(Config.from_env())
except ConfigError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(CANNOT_LOAD)
