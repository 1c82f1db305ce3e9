"""What the mails say, and the link in them."""

from __future__ import annotations

import html
from urllib.parse import urlencode

from aiohttp import web

from devstack.gateway import auth_redirects
from devstack.gateway.auth_one_time import OneTime
from devstack.gateway.keys import SETTINGS
from devstack.gateway.mailbox import Mailbox

# GoTrue's own subjects; the sentence before the link is ours.
WORDS = {
    "invite": ("You have been invited", "Accept the invitation and choose a password:"),
    "recovery": ("Reset Your Password", "Choose a new password:"),
    "magiclink": ("Your Magic Link", "Sign in:"),
    "signup": ("Confirm Your Email", "Confirm your address:"),
    "email_change": ("Confirm Email Change", "Confirm the change of your address:"),
}


def post(request: web.Request, to: str, kind: str, token: OneTime) -> None:
    target = link(request, token, kind, auth_redirects.target(request))
    subject, sentence = WORDS[kind]
    shown = html.escape(target)
    Mailbox(request.app[SETTINGS].mails_file).add(
        to=to,
        type=kind,
        subject=subject,
        link=target,
        code=token.code,
        token_hash=token.hash,
        text=f"{sentence}\n{target}\n\nOr enter the code {token.code}.",
        html=f'<p>{sentence} <a href="{shown}">{shown}</a></p><p>Code: {token.code}</p>',
    )


def link(request: web.Request, token: OneTime, kind: str, target: str) -> str:
    query = urlencode({"token": token.hash, "type": kind, "redirect_to": target})
    return f"{request.app[SETTINGS].issuer}/verify?{query}"
