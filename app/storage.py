"""Supabase Storage as the caller. Files are streamed: storage3 reads a whole upload into memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from app.db import auth_headers
from app.errors import AppError, invalid_token, not_found, unavailable

log = structlog.get_logger(__name__)


class Storage:
    """Calls to the Storage API. Every method raises AppError and nothing else."""

    def __init__(self, supabase_url: str, key: str, http: httpx.Client) -> None:
        self._url = f"{supabase_url}/storage/v1"
        self._key = key
        self._http = http

    def upload(
        self,
        token: str,
        bucket: str,
        path: str,
        content: Iterable[bytes],
        *,
        size_bytes: int,
        media_type: str,
    ) -> None:
        """Streams `content`, which must be `size_bytes` long, to a name that must be free."""
        # With the length stated httpx does not send chunked, which not every gateway takes.
        headers = {"Content-Type": media_type, "Content-Length": str(size_bytes)}
        self._send(token, "POST", _object(bucket, path), headers=headers, content=content)

    def remove(self, token: str, bucket: str, path: str) -> None:
        self._send(token, "DELETE", _object(bucket, path))

    def signed_url(self, token: str, bucket: str, path: str, *, expires_s: int = 3600) -> str:
        """An absolute address that anybody may download the object from until it expires."""
        answer = self._send(
            token, "POST", f"object/sign/{bucket}/{quote(path)}", json={"expiresIn": expires_s}
        )
        return f"{self._url}{answer.json()['signedURL']}"

    def _send(
        self,
        token: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: Iterable[bytes] | None = None,
        json: Any = None,
    ) -> httpx.Response:
        try:
            answer = self._http.request(
                method,
                f"{self._url}/{path}",
                headers={**auth_headers(self._key, token), **(headers or {})},
                content=content,
                json=json,
            )
        except httpx.HTTPError as error:
            log.warning("storage_unavailable", error=type(error).__name__)
            raise unavailable("storage_unavailable", "The file store") from error
        if answer.is_error:
            raise _refusal(answer)
        return answer


def _object(bucket: str, path: str) -> str:
    return f"object/{bucket}/{quote(path)}"


def _refusal(answer: httpx.Response) -> AppError:
    status = _status(answer)
    match status:
        case 401:
            return invalid_token()
        case 403:
            return AppError(403, "not_permitted", "Your role does not allow this.")
        case 404:
            return not_found()
        case 409:
            return AppError(409, "already_exists", "This file exists already.")
        case 413:
            return AppError(413, "payload_too_large", "The file is larger than is allowed here.")
        case 415:
            return AppError(415, "unsupported_media_type", "Files of this kind are not taken here.")
    if status >= 500:
        log.warning("storage_unavailable", status=status)
        return unavailable("storage_unavailable", "The file store")
    log.error("storage_error", status=status)
    detail = "Something went wrong on our side. Give support the request id."
    return AppError(500, "internal_error", detail)


def _status(answer: httpx.Response) -> int:
    """Storage answers many refusals with HTTP 400 and the real status, as text, in the body."""
    try:
        return int(answer.json()["statusCode"])
    except (ValueError, KeyError, TypeError):
        return answer.status_code
