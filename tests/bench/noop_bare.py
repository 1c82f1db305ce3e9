"""Flask and one route: what the door can be compared with."""

from flask import Flask

app = Flask("bare", static_folder=None)
app.add_url_rule("/noop", view_func=lambda: {"status": "ok"})
