"""The web process: gunicorn reads this by itself, for `gunicorn wsgi:app` in this folder."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

# Memory, not disk: a worker touches its file each second, and counts are kept in shared files.
SHARED_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# gunicorn's own "the app cannot be loaded".
CANNOT_LOAD = 4

bind = f"{os.environ.get('BIND_HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104
# Python works on one core per process: as many processes as cores.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Requests wait for PostgREST most of their time; a thread is cheap for that. An upload holds one.
worker_class = "app.server.Worker"
threads = int(os.environ.get("WEB_THREADS", "8"))
# Each process builds its own application: connections, locks and senders survive no fork.
preload_app = False
worker_tmp_dir = SHARED_MEMORY

# A process that has not touched its file for so long is stuck; a slow request does not count.
timeout = 60
# After SIGTERM: requests under way are finished, new ones go elsewhere.
graceful_timeout = 45
# Longer than load balancers keep an idle connection (60 s), so that they close it and not we.
keepalive = 75
# A leak, ours or a library's, stays small; the jitter keeps processes from going together.
max_requests = 50_000
max_requests_jitter = 5_000

# A token of ours has 2 KB; addresses hold ids and filters.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
# Whom to believe is TRUSTED_PROXIES' business, for the address and the scheme alike.
forwarded_allow_ips = ""
forwarder_headers = ""

logger_class = "app.server.Logger"
# A second door into the process, which nobody here uses.
control_socket_disable = True


def on_starting(server):
    """Stops with the list of what is missing, before anybody is forked to find it out."""
    from app.config import Config, ConfigError

    try:
        Config.from_env()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(CANNOT_LOAD)
    # Before anything imports prometheus_client, which looks for it then.
    folder = tempfile.mkdtemp(prefix="crm-metrics-", dir=SHARED_MEMORY)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder


def child_exit(server, worker):
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server):
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
