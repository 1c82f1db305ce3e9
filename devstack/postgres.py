"""PostgreSQL of a stack: its programs, its data folder, Supabase's roles and schemas in it."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from devstack.layout import CHECKOUT, Folder, StackError

OLDEST = 15
BOOTSTRAP = CHECKOUT / "devstack" / "bootstrap"
LONGEST_SOCKET_PATH = 90
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "jit": "off",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "max_connections": "100",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
}


def bin_folder() -> Path:
    """The newest PostgreSQL that has pgTAP and plpgsql_check beside it."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *_brew_folders()]
    on_path = shutil.which("pg_ctl")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    complete = [(version, place) for place in places if (version := _version(place)) >= OLDEST]
    complete = [(version, place) for version, place in complete if _has_extensions(place)]
    if not complete:
        raise StackError(
            "no PostgreSQL 15 or newer with pgtap and plpgsql_check found: run devstack/install.sh"
        )
    return max(complete)[1]


def _brew_folders() -> list[Path]:
    roots = (Path("/opt/homebrew/opt"), Path("/usr/local/opt"))
    return [place for root in roots for place in root.glob("postgresql@*/bin")]


def _version(place: Path) -> int:
    if not (place / "initdb").exists():
        return 0
    said = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"(\d+)", said)
    return int(found[1]) if found else 0


def _has_extensions(place: Path) -> bool:
    shared = Path("/usr/share/postgresql") / place.parent.name
    if not shared.exists():
        said = subprocess.run(
            [place / "pg_config", "--sharedir"], capture_output=True, text=True, check=True
        ).stdout
        shared = Path(said.strip())
    names = ("pgtap", "plpgsql_check")
    return all((shared / "extension" / f"{name}.control").exists() for name in names)


def os_user() -> str | None:
    """The user to become: none, unless we are root, as whom PostgreSQL will not run."""
    return "postgres" if os.geteuid() == 0 else None


def command(pairs: dict[str, str]) -> list[str]:
    data = pairs["POSTGRES_DATA"]
    socket = data if len(data) < LONGEST_SOCKET_PATH else ""
    options = SETTINGS | {"port": pairs["POSTGRES_PORT"], "unix_socket_directories": socket}
    flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return [str(bin_folder() / "postgres"), "-D", data, *flags]


def initialise(folder: Folder, pairs: dict[str, str]) -> None:
    """Runs initdb once. A folder that initdb left half made (no PG_VERSION) is made again."""
    data = Path(pairs["POSTGRES_DATA"])
    if (data / "PG_VERSION").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    password = data.parent / f"{folder.name}.password"
    password.touch(mode=0o600)
    password.write_text(pairs["ADMIN_PASSWORD"])
    _give_to_postgres(data.parent, password)
    try:
        _initdb(data, password, folder)
    finally:
        password.unlink()


def _give_to_postgres(*paths: Path) -> None:
    user = os_user()
    if user is None:
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise StackError(
            "running as root, but there is no system user `postgres`: run devstack/install.sh"
        ) from None
    for path in paths:
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _initdb(data: Path, password: Path, folder: Folder) -> None:
    locale = "C.UTF-8" if os.uname().sysname == "Linux" else "en_US.UTF-8"
    words = [bin_folder() / "initdb", "-D", data, "-U", "supabase_admin", "-A", "scram-sha-256"]
    words += [f"--pwfile={password}", "--encoding=UTF8", f"--locale={locale}"]
    user = os_user()
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        user=user,
        group=user,
        extra_groups=[] if user else None,
    )
    (folder.logs / "initdb.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise StackError(f"initdb failed, see {folder.logs / 'initdb.log'}")


def answers(pairs: dict[str, str]) -> bool:
    try:
        with psycopg.connect(pairs["ADMIN_DATABASE_URL"], connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def psql(url: str, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Feeds a script to psql through stdin: others may not be able to read the checkout."""
    base = [str(bin_folder() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *options]
    info = psycopg.conninfo.conninfo_to_dict(url)
    names = {"user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST", "port": "PGPORT"}
    names["dbname"] = "PGDATABASE"
    env = os.environ | {names[key]: str(value) for key, value in info.items() if key in names}
    return subprocess.run([*base, "-f", "-"], input=script, env=env, capture_output=True, text=True)


def bootstrap(pairs: dict[str, str]) -> bool:
    """Runs bootstrap/*.sql once, in order, in one transaction. False when they changed since."""
    scripts = [path.read_text() for path in sorted(BOOTSTRAP.glob("*.sql"))]
    digest = hashlib.sha256("".join(scripts).encode()).hexdigest()[:16]
    mark = _bootstrap_mark(pairs)
    if mark is None:
        note = f"comment on database postgres is 'devstack bootstrap {digest}';"
        done = psql(pairs["ADMIN_DATABASE_URL"], "\n".join([*scripts, note]), "-1")
        if done.returncode:
            raise StackError(f"bootstrap SQL failed: {done.stderr.strip()}")
    _set_passwords(pairs)
    return mark is None or mark == digest


def _bootstrap_mark(pairs: dict[str, str]) -> str | None:
    with psycopg.connect(pairs["ADMIN_DATABASE_URL"]) as connection:
        query = "select shobj_description(oid, 'pg_database') from pg_database where datname = %s"
        row = connection.execute(query, ("postgres",)).fetchone()
    words = str(row[0] if row else "").split()
    return words[-1] if words[:2] == ["devstack", "bootstrap"] else None


def _set_passwords(pairs: dict[str, str]) -> None:
    with psycopg.connect(pairs["ADMIN_DATABASE_URL"]) as connection:
        for role, name in (
            ("postgres", "POSTGRES_PASSWORD"),
            ("authenticator", "AUTHENTICATOR_PASSWORD"),
        ):
            change = sql.SQL("alter role {} password {}")
            connection.execute(change.format(sql.Identifier(role), sql.Literal(pairs[name])))
