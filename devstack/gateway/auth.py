"""/auth/v1: the routes, and what they say of themselves."""

from __future__ import annotations

from aiohttp import web

from devstack.gateway import (
    auth_admin,
    auth_factors,
    auth_mails,
    auth_self,
    auth_tokens,
    auth_verify,
)
from devstack.gateway.auth_errors import answers_errors
from devstack.gateway.keys import SETTINGS

PREFIX = "/auth/v1"
PROVIDERS = (
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "figma",
    "github",
    "gitlab",
    "google",
    "kakao",
    "keycloak",
    "linkedin_oidc",
    "notion",
    "slack_oidc",
    "spotify",
    "twitch",
    "workos",
    "zoom",
)


def add_routes(router: web.UrlDispatcher) -> None:
    one_user, one_factor = f"{PREFIX}/admin/users/{{id}}", f"{PREFIX}/factors/{{factor}}"
    for method, path, handler in (
        ("GET", f"{PREFIX}/health", _health),
        ("GET", f"{PREFIX}/settings", _settings),
        ("GET", f"{PREFIX}/.well-known/jwks.json", _jwks),
        ("POST", f"{PREFIX}/signup", _signup),
        ("POST", f"{PREFIX}/token", auth_tokens.token),
        ("GET", f"{PREFIX}/user", auth_self.get_user),
        ("PUT", f"{PREFIX}/user", auth_self.put_user),
        ("POST", f"{PREFIX}/logout", auth_self.logout),
        ("POST", f"{PREFIX}/invite", auth_mails.invite),
        ("POST", f"{PREFIX}/recover", auth_mails.recover),
        ("POST", f"{PREFIX}/otp", auth_mails.otp),
        ("POST", f"{PREFIX}/magiclink", auth_mails.otp),
        ("POST", f"{PREFIX}/resend", auth_mails.resend),
        ("GET", f"{PREFIX}/verify", auth_verify.by_link),
        ("POST", f"{PREFIX}/verify", auth_verify.by_token),
        ("POST", f"{PREFIX}/admin/generate_link", auth_mails.generate_link),
        ("GET", f"{PREFIX}/admin/users", auth_admin.list_users),
        ("POST", f"{PREFIX}/admin/users", auth_admin.create_user),
        ("GET", one_user, auth_admin.get_user),
        ("GET", f"{one_user}/factors", auth_admin.list_factors),
        ("DELETE", f"{one_user}/factors/{{factor}}", auth_admin.delete_factor),
        ("POST", f"{PREFIX}/factors", auth_factors.enroll),
        ("POST", f"{one_factor}/challenge", auth_factors.challenge),
        ("POST", f"{one_factor}/verify", auth_factors.verify),
        ("DELETE", one_factor, auth_factors.unenroll),
        ("PUT", one_user, auth_admin.update_user),
        ("DELETE", one_user, auth_admin.delete_user),
    ):
        router.add_route(method, path, answers_errors(handler))


async def _health(_request: web.Request) -> web.Response:
    return web.json_response(
        {"version": "local", "name": "GoTrue", "description": "the local stack's stand-in"}
    )


async def _settings(request: web.Request) -> web.Response:
    external = {name: False for name in PROVIDERS} | {
        "email": True,
        "phone": False,
        "anonymous_users": False,
    }
    return web.json_response(
        {
            "external": external,
            "disable_signup": not request.app[SETTINGS].auth.signup_enabled,
            "mailer_autoconfirm": not request.app[SETTINGS].auth.confirms_email,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
        }
    )


async def _jwks(request: web.Request) -> web.Response:
    """Empty, as for every project that signs with the shared secret, where there are no others."""
    keys = [key.public_jwk for key in request.app[SETTINGS].jwt_keys.believed()]
    return web.json_response({"keys": keys}, headers={"Cache-Control": "public, max-age=600"})


async def _signup(request: web.Request) -> web.Response:
    raise auth_mails.no_signup(request)
