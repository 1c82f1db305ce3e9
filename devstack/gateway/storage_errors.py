"""Storage's error shape. As on Supabase HTTP mostly says 400; clients read `statusCode`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from aiohttp import web

from devstack.gateway.jwt_keys import BadToken

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StorageError(Exception):
    def __init__(self, status: int, error: str, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.error, self.message, self.code = status, error, message, code or error


def no_bucket() -> StorageError:
    return StorageError(404, "Bucket not found", "Bucket not found", "NoSuchBucket")


def no_object() -> StorageError:
    return StorageError(404, "not_found", "Object not found", "NoSuchKey")


def duplicate() -> StorageError:
    return StorageError(409, "Duplicate", "The resource already exists", "ResourceAlreadyExists")


def too_large() -> StorageError:
    return StorageError(
        413, "Payload too large", "The object exceeded the maximum allowed size", "EntityTooLarge"
    )


def invalid(message: str, code: str = "InvalidRequest") -> StorageError:
    return StorageError(400, code, message)


def answers_errors(handler: Handler) -> Handler:
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except StorageError as error:
            return _render(error)
        except BadToken as error:
            return _render(StorageError(403, "Unauthorized", str(error), "AccessDenied"))
        except psycopg.errors.InsufficientPrivilege as error:
            message = error.diag.message_primary or "Access denied"
            return _render(StorageError(403, "Unauthorized", message, "AccessDenied"))
        except psycopg.errors.UniqueViolation:
            return _render(duplicate())

    return answered


def _render(error: StorageError) -> web.Response:
    body = {
        "statusCode": str(error.status),
        "error": error.error,
        "message": error.message,
        "code": error.code,
    }
    return web.json_response(body, status=500 if error.status == 500 else 400)


async def read_json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise invalid("the body is no JSON") from error
    if not isinstance(body, dict):
        raise invalid("the body must be a JSON object")
    return body
