"""The real application with one route more, which does nothing for a signed-in person."""

from app import create_app
from app.config import Config

app = create_app(Config.from_env())
app.add_url_rule("/noop", view_func=lambda: {"status": "ok"})
