"""The web process: gunicorn wsgi:app."""

import sys

from app import create_app
from app.config import Config, ConfigError

try:
    app = create_app(Config.from_env())
except ConfigError as error:
    # The list of settings, without a traceback over it.
    sys.exit(str(error))
