"""Which bucket and object a URL names. Names never become paths; bad ones are still refused."""

from __future__ import annotations

import re
from urllib.parse import unquote

from aiohttp import web

from devstack.gateway.storage_errors import invalid

SAFE = re.compile(r"[A-Za-z0-9_/!\-.*'() &$@=;:+,?]+")
HIDDEN_SEPARATOR = re.compile(r"%(?:2f|5c|00)", re.IGNORECASE)
MAX_BYTES = 1024


def check_object_name(name: str) -> str:
    """Raises InvalidKey for what S3 could not hold, and for anything that tries to walk."""
    segments = name.split("/")
    if (
        not SAFE.fullmatch(name)
        or len(name) > MAX_BYTES
        or any(part in ("", ".", "..") for part in segments)
    ):
        raise invalid(f"Invalid key: {name}", "InvalidKey")
    return name


def check_bucket_name(name: str) -> str:
    if not SAFE.fullmatch(name) or "/" in name or len(name) > 100 or name in (".", ".."):
        raise invalid("Bucket name invalid", "InvalidBucketName")
    return name


def object_of(request: web.Request) -> tuple[str, str]:
    """(bucket, object name), read from the raw path so that an encoded slash is seen."""
    resource = request.match_info.route.resource
    segments_before = resource.canonical.count("/") if resource else 0
    raw_name = request.raw_path.partition("?")[0].split("/", segments_before)[-1]
    if HIDDEN_SEPARATOR.search(raw_name):
        raise invalid(f"Invalid key: {raw_name}", "InvalidKey")
    return check_bucket_name(request.match_info["bucket"]), check_object_name(unquote(raw_name))
