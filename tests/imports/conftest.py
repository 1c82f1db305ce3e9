from tests.imports.fixtures import desk, flask_client, make_desk, worker

__all__ = ["desk", "flask_client", "make_desk", "worker"]
