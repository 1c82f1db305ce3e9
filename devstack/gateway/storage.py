"""/storage/v1: the routes. The named ones come before those where the first segment is a bucket."""

from __future__ import annotations

from aiohttp import web

from devstack.gateway import (
    storage_buckets,
    storage_copy,
    storage_download,
    storage_list_v2,
    storage_objects,
    storage_sign,
    storage_sign_upload,
    storage_upload,
)
from devstack.gateway.storage_errors import answers_errors

PREFIX = "/storage/v1"


def add_routes(router: web.UrlDispatcher) -> None:
    bucket, path = f"{PREFIX}/bucket/{{bucket}}", "{bucket}/{path:.*}"
    objects = f"{PREFIX}/object"
    for methods, route, handler in (
        ("GET", f"{PREFIX}/bucket", storage_buckets.list_buckets),
        ("POST", f"{PREFIX}/bucket", storage_buckets.create),
        ("GET", bucket, storage_buckets.get),
        ("PUT", bucket, storage_buckets.update),
        ("DELETE", bucket, storage_buckets.delete),
        ("POST", f"{bucket}/empty", storage_buckets.empty),
        ("POST", f"{objects}/list/{{bucket}}", storage_objects.list_objects),
        ("POST", f"{objects}/list-v2/{{bucket}}", storage_list_v2.list_objects),
        ("POST", f"{objects}/copy", storage_copy.copy),
        ("POST", f"{objects}/move", storage_copy.move),
        ("POST", f"{objects}/upload/sign/{path}", storage_sign_upload.sign),
        ("PUT", f"{objects}/upload/sign/{path}", storage_sign_upload.upload),
        ("POST", f"{objects}/sign/{{bucket}}", storage_sign.sign_many),
        ("POST", f"{objects}/sign/{path}", storage_sign.sign_one),
        ("GET HEAD", f"{objects}/sign/{path}", storage_sign.download),
        ("GET HEAD", f"{objects}/public/{path}", storage_download.public),
        ("GET HEAD", f"{objects}/authenticated/{path}", storage_download.private),
        ("GET", f"{objects}/info/public/{path}", storage_download.public_info),
        ("GET", f"{objects}/info/authenticated/{path}", storage_download.info),
        ("GET", f"{objects}/info/{path}", storage_download.info),
        ("DELETE", f"{objects}/{{bucket}}", storage_objects.remove_many),
        ("GET HEAD", f"{objects}/{path}", storage_download.private),
        ("POST", f"{objects}/{path}", storage_upload.create),
        ("PUT", f"{objects}/{path}", storage_upload.replace),
        ("DELETE", f"{objects}/{path}", storage_objects.remove_one),
    ):
        for method in methods.split():
            router.add_route(method, route, answers_errors(handler))
