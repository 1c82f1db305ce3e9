"""What a thief of a token, or a maker of tokens, would gain: to be somebody else, or for longer."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx
import jwt
import pytest

from devstack.stack import Stack
from tests import people
from tests.people import PASSWORD, Person
from tests.rights.attacks.conftest import Ask, Household
from tests.rights.world import Actor, Maker, World, retold

MINE = "/contacts?select=id&limit=1"


def claims_of(person: Person) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(person.token, options={"verify_signature": False})
    return claims


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(part).encode() for part in (header, claims)] + [signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def as_bearer(maker: Maker, token: str) -> Actor:
    return Actor("thief", maker.bearer(token))


@pytest.fixture
def auth(stack: Stack) -> Any:
    with httpx.Client(
        base_url=f"{stack.env['SUPABASE_URL']}/auth/v1",
        headers={"apikey": stack.env["SUPABASE_ANON_KEY"]},
    ) as client:
        yield client


def sign_in(auth: httpx.Client, person: Person) -> dict[str, Any]:
    body = {"email": person.email, "password": PASSWORD}
    answer = auth.post("/token?grant_type=password", json=body)
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "RS256", "ES256"]
)
@pytest.mark.parametrize("role", ["authenticated", "service_role"])
def test_being_believed_without_a_signature(
    ask: Ask, maker: Maker, world: World, here: Household, algorithm: str, role: str
) -> None:
    header = {"alg": algorithm, "typ": "JWT"}
    claims = claims_of(world.here.owner) | {"role": role}
    for signature in (b"", b"\0", b"x" * 32):
        answer = ask(as_bearer(maker, unsigned(header, claims, signature)), MINE)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "../../../../dev/null",
        "' union select 'x' --",
        "http://127.0.0.1:9/jwks",
        "0",
        "\0",
        {"k": "x"},
    ],
)
def test_choosing_the_key_by_its_id(
    ask: Ask, maker: Maker, world: World, here: Household, kid: Any
) -> None:
    header = {"alg": "HS256", "typ": "JWT", "kid": kid, "jku": "http://127.0.0.1:9/", "x5u": "x"}
    for secret in ("", "\0", "public", json.dumps({"k": "x"})):
        body = unsigned(header, claims_of(world.here.owner))
        head = body.rsplit(".", 1)[0]
        signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
            head.encode(), secret.encode()
        )
        token = f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        assert ask(as_bearer(maker, token), MINE).status_code == 401


def test_putting_a_key_of_his_own_into_the_header(
    ask: Ask, maker: Maker, world: World, here: Household
) -> None:
    own = base64.urlsafe_b64encode(b"k" * 32).rstrip(b"=").decode()
    headers = {"jwk": {"kty": "oct", "k": own, "alg": "HS256"}}
    token = jwt.encode(claims_of(world.here.owner), b"k" * 32, "HS256", headers=headers)
    assert ask(as_bearer(maker, token), MINE).status_code == 401


@pytest.mark.parametrize(
    "secret", ["secret", "super-secret-jwt-token-with-at-least-32-characters-long", "anon"]
)
def test_signing_with_a_secret_everybody_knows(
    ask: Ask, maker: Maker, world: World, here: Household, secret: str
) -> None:
    for role in ("authenticated", "service_role", "postgres", "supabase_admin"):
        token = jwt.encode(
            claims_of(world.here.owner) | {"role": role}, secret.ljust(32, "-"), "HS256"
        )
        assert ask(as_bearer(maker, token), MINE).status_code == 401


@pytest.mark.parametrize(
    "role", ["postgres", "supabase_admin", "authenticator", "supabase_auth_admin"]
)
def test_taking_a_role_of_the_database_by_a_genuine_signature(
    ask: Ask, maker: Maker, world: World, stack: Stack, here: Household, role: str
) -> None:
    """Were Auth made to sign it, the door would still not become what it may not."""
    token = retold(world.here.owner.token, stack.env["SUPABASE_JWT_SECRET"], role=role)
    assert ask(as_bearer(maker, token), MINE).status_code in (401, 403)


def test_believing_what_a_token_says_of_its_person(
    ask: Ask, maker: Maker, world: World, stack: Stack, here: Household
) -> None:
    """app_metadata and user_metadata are hints for screens; the tables decide."""
    places = [{"id": world.here.id, "role": "owner"}]
    token = retold(
        world.there.owner.token,
        stack.env["SUPABASE_JWT_SECRET"],
        app_metadata={"locations": places, "role": "service_role"},
        user_metadata={"role": "owner", "location_id": world.here.id},
        user_role="owner",
        location_id=world.here.id,
        scopes=["contacts:write"],
    )
    assert ask(as_bearer(maker, token), f"/contacts?id=eq.{here.contact}").json() == []


def test_naming_a_session_that_is_not_ones_own(
    ask: Ask, maker: Maker, world: World, stack: Stack, here: Household
) -> None:
    secret, owner = stack.env["SUPABASE_JWT_SECRET"], world.here.owner
    theirs = claims_of(world.here.admin)["session_id"]
    for session in (theirs, "", "x", "00000000-0000-0000-0000-000000000000", theirs.upper()):
        token = retold(owner.token, secret, session_id=session)
        assert ask(as_bearer(maker, token), f"/contacts?id=eq.{here.contact}").status_code == 401


def test_using_the_signature_of_a_download_as_a_sign_in(
    ask: Ask, maker: Maker, stack: Stack, here: Household
) -> None:
    """Storage signs addresses with the same secret; such a token is nobody."""
    claims = {"url": "imports/x.csv", "exp": int(time.time()) + 60}
    token = jwt.encode(claims, stack.env["SUPABASE_JWT_SECRET"], "HS256")
    assert ask(as_bearer(maker, token), MINE).status_code == 401


def test_making_oneself_an_owner_through_ones_own_account(
    auth: httpx.Client, ask: Ask, maker: Maker, world: World, here: Household
) -> None:
    person = people.make_person(maker.db, maker.env, {world.here.id: "marketer"})
    session = sign_in(auth, person)
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    places = {"locations": [{"id": world.here.id, "role": "owner"}]}
    auth.put(
        "/user",
        headers=bearer,
        json={
            "data": {"role": "owner", "app_metadata": places, **places},
            "app_metadata": places,
            "role": "service_role",
            "aud": "service_role",
            "is_super_admin": True,
        },
    )
    again = sign_in(auth, person)
    claims = jwt.decode(again["access_token"], options={"verify_signature": False})
    assert (claims["role"], claims["aud"]) == ("authenticated", "authenticated")
    assert claims["app_metadata"]["locations"] == [{"id": world.here.id, "role": "marketer"}]
    assert (
        ask(as_bearer(maker, again["access_token"]), f"/contacts?id=eq.{here.contact}").json() == []
    )


def test_signing_up_oneself(auth: httpx.Client) -> None:
    body = {"email": "stranger@example.com", "password": "Long-enough-1"}
    assert auth.post("/signup", json=body).status_code in (403, 422)
    assert auth.post("/admin/users", json=body).status_code in (401, 403)
    assert auth.post("/otp", json={"email": body["email"], "create_user": True}).status_code >= 400


def test_using_a_refresh_token_twice(
    auth: httpx.Client, ask: Ask, maker: Maker, world: World, here: Household
) -> None:
    """A thief and the robbed cannot both go on: the second use ends the session, tokens and all."""
    session = sign_in(auth, people.make_person(maker.db, maker.env, {world.here.id: "admin"}))
    stolen, path = session["refresh_token"], f"/contacts?id=eq.{here.contact}"

    def refresh(token: str) -> httpx.Response:
        return auth.post("/token?grant_type=refresh_token", json={"refresh_token": token})

    second = refresh(stolen).json()["refresh_token"]
    third = refresh(second).json()
    opened = as_bearer(maker, third["access_token"])
    assert ask(opened, path).json() != []
    maker.db.execute(
        "update auth.refresh_tokens set updated_at = now() - interval '1 hour' where token = %s",
        (stolen,),
    )
    refused = [refresh(token).status_code for token in (stolen, second, third["refresh_token"])]
    assert refused == [400, 400, 400]
    assert ask(opened, path).status_code == 401


def test_going_on_after_signing_out(
    auth: httpx.Client, ask: Ask, maker: Maker, world: World, here: Household
) -> None:
    """The access token is good for an hour; what it opens ends with the session."""
    person = people.make_person(maker.db, maker.env, {world.here.id: "owner"})
    session = sign_in(auth, person)
    thief = as_bearer(maker, session["access_token"])
    assert ask(thief, f"/contacts?id=eq.{here.contact}").json() != []
    auth.post("/logout?scope=local", headers={"Authorization": f"Bearer {session['access_token']}"})
    answer = ask(thief, f"/contacts?id=eq.{here.contact}")
    assert answer.status_code == 401 or answer.json() == []
    assert ask(thief, "/rpc/my_access", "POST", json={}).text in ("[]", answer.text)


def test_keeping_rights_that_the_token_was_made_with(
    ask: Ask, maker: Maker, world: World, here: Household
) -> None:
    person = people.make_person(maker.db, maker.env, {world.here.id: "owner"})
    thief, path = as_bearer(maker, person.token), f"/contacts?id=eq.{here.contact}"
    assert ask(thief, path).json() != []
    for change in ("role = 'technician'", "role = 'owner', is_active = false"):
        maker.db.execute(f"update location_members set {change} where user_id = %s", (person.id,))
        assert ask(thief, path).json() == []


@pytest.mark.parametrize("aal", ["AAL2", "aal22", "2", ["aal2"], {"aal2": 1}, True, None])
def test_writing_the_second_factor_in_another_way(
    ask: Ask, maker: Maker, world: World, stack: Stack, aal: Any
) -> None:
    owner = world.strict.owner
    token = retold(owner.token, stack.env["SUPABASE_JWT_SECRET"], aal=aal)
    told = ask(as_bearer(maker, token), f"/locations?id=eq.{world.strict.id}")
    assert told.json() == []
    right = retold(owner.token, stack.env["SUPABASE_JWT_SECRET"], aal="aal2")
    assert len(ask(as_bearer(maker, right), f"/locations?id=eq.{world.strict.id}").json()) == 1


def test_switching_the_second_factor_off_with_a_password_alone(
    ask: Ask, maker: Maker, world: World
) -> None:
    strict = as_bearer(maker, world.strict.owner.token)
    path = f"/locations?id=eq.{world.strict.id}"
    ask(strict, path, "PATCH", json={"second_factor_required": False})
    row = maker.db.execute(
        "select second_factor_required from locations where id = %s", (world.strict.id,)
    ).fetchone()
    assert row == (True,)
