"""`python -m devstack up|down|status|keys`: what `make up`, `make down` and `make status` run."""

from __future__ import annotations

import argparse
import os
import sys
import time

from devstack import key_rotation
from devstack.layout import DEFAULT_STACK, StackError
from devstack.services import SERVICES
from devstack.settings import ES256, HS256
from devstack.stack import Stack


def say(line: str) -> None:
    """Prints a line. When nobody reads on (`make up | head -1`) the work still goes on."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def up(options: argparse.Namespace) -> int:
    say("devstack: for development on this machine only; it listens on 127.0.0.1 and nowhere else")
    stack = Stack(options.name)
    only = options.only.split(",") if options.only else None
    remarks = stack.up(only=only, migrate=not options.no_migrate, signing=options.signing)
    for remark in remarks:
        say(f"note: {remark}")
    return status(options)


def down(options: argparse.Namespace) -> int:
    Stack(options.name).down(destroy=options.destroy)
    say(f"stack {options.name} is down" + (", its data is gone" if options.destroy else ""))
    return 0


def status(options: argparse.Namespace) -> int:
    stack = Stack(options.name)
    wanted = stack.wanted() if stack.folder.run.exists() else []
    running = [name for name in SERVICES if stack.pid(name)]
    if not wanted and not running:
        say(f"stack {stack.name} is not running; `make up` starts it")
        return 0
    for name in SERVICES:
        if name in wanted or name in running:
            say(_line(stack, name))
    if stack.pid("gateway"):
        say(f"{'mails':<20}{stack.env['SUPABASE_URL']}/mails/page")
    say(f"{'settings':<20}{stack.folder.stack_env}")
    say(f"{'logs':<20}{stack.folder.logs}")
    if not stack.supervisor_pid():
        say("the supervisor does not run: nothing is restarted until `make up`")
        return 1
    return 0 if set(wanted) <= set(running) else 1


def keys(options: argparse.Namespace) -> int:
    stack = Stack(options.name)
    if options.action == "rotate":
        key_rotation.rotate(stack)
    elif options.action == "revoke":
        key_rotation.revoke(stack, options.kid)
    for key in key_rotation.listed(stack):
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(key.since))
        say(f"{key.kid}  {key.state:<16}since {stamp}")
    return 0


def _line(stack: Stack, name: str) -> str:
    since = stack.since(name)
    if since is None:
        return f"{name:<20}DEAD, see {stack.folder.logs / name}.log"
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
    address = SERVICES[name].address(stack.env)
    return f"{name:<20}pid {stack.pid(name):<8} since {stamp}  {address}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for function in (up, down, status, keys):
        command = commands.add_parser(function.__name__)
        command.add_argument("--name", default=DEFAULT_STACK, help="which stack")
        command.set_defaults(function=function)
    commands.choices["up"].add_argument("--only", default="", help="services, comma-separated")
    commands.choices["up"].add_argument("--no-migrate", action="store_true")
    commands.choices["up"].add_argument(
        "--signing", choices=(HS256, ES256), help="of users' tokens; chosen at the first start"
    )
    commands.choices["keys"].add_argument("action", choices=("list", "rotate", "revoke"))
    commands.choices["keys"].add_argument("kid", nargs="?", default="", help="what to revoke")
    commands.choices["down"].add_argument("--destroy", action="store_true", help="remove the data")
    options = parser.parse_args()
    try:
        return int(options.function(options))
    except StackError as problem:
        sys.stderr.write(f"devstack: {problem}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
