"""Auth as supabase-py and supabase-js see it."""

from __future__ import annotations

import statistics
import time

import httpx
import jwt
import pytest
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from supabase import Client
from tests.devstack.conftest import PASSWORD, NewPerson, Person, SignIn, refusal_of
from tests.devstack.gateway_process import Gateway


def age_refresh_tokens(gateway: Gateway, user_id: str) -> None:
    gateway.sql(
        "update auth.refresh_tokens set updated_at = updated_at - interval '1 hour'"
        " where user_id = %s",
        (user_id,),
    )


def test_token_carries_the_claims_of_supabase(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    session = sign_in(person).auth.get_session()
    claims = jwt.decode(
        session.access_token,
        gateway.env["SUPABASE_JWT_SECRET"],
        ["HS256"],
        audience="authenticated",
        issuer=f"{gateway.url}/auth/v1",
    )
    assert claims["exp"] - claims["iat"] == 3600 == session.expires_in
    assert (claims["sub"], claims["email"], claims["role"]) == (
        person.id,
        person.email,
        "authenticated",
    )
    assert claims["aal"] == "aal1" and claims["is_anonymous"] is False and claims["phone"] == ""
    assert claims["amr"][0]["method"] == "password"
    assert claims["session_id"] and claims["app_metadata"]["provider"] == "email"


def test_wrong_password_and_unknown_address_are_told_apart_by_nothing(
    sign_in: SignIn, new_person: NewPerson
) -> None:
    person = new_person()
    banned = new_person(ban_duration="24h")
    wrong = refusal_of(sign_in, Person(person.id, person.email, "wrong"))
    unknown = refusal_of(sign_in, Person("", "nobody@example.com"))
    disabled = refusal_of(sign_in, Person(banned.id, banned.email, "wrong"))
    assert wrong == unknown == disabled == (400, "invalid_credentials", "Invalid login credentials")


def test_unknown_address_takes_as_long_as_a_wrong_password(
    gateway: Gateway, person: Person
) -> None:
    def median_s(email: str) -> float:
        took = []
        for _ in range(5):
            began = time.perf_counter()
            httpx.post(
                f"{gateway.url}/auth/v1/token?grant_type=password",
                json={"email": email, "password": "wrong"},
                headers={"apikey": gateway.anon_key},
            )
            took.append(time.perf_counter() - began)
        return statistics.median(took)

    known, unknown = median_s(person.email), median_s("nobody@example.com")
    assert 0.5 < known / unknown < 2


def test_banned_user_can_neither_sign_in_nor_refresh(
    service: Client, sign_in: SignIn, person: Person
) -> None:
    client = sign_in(person)
    service.auth.admin.update_user_by_id(person.id, {"ban_duration": "1h30m"})
    assert refusal_of(sign_in, person)[1] == "user_banned"
    with pytest.raises(AuthApiError, match="User Banned"):
        client.auth.refresh_session()
    service.auth.admin.update_user_by_id(person.id, {"ban_duration": "none"})
    assert sign_in(person).auth.get_session() is not None


def test_unconfirmed_address_cannot_sign_in(sign_in: SignIn, new_person: NewPerson) -> None:
    assert refusal_of(sign_in, new_person(email_confirm=False))[1] == "email_not_confirmed"


@pytest.mark.parametrize("salt", ["gen_salt('bf')", "gen_salt('bf', 8)"])
def test_password_hashed_by_pgcrypto_is_accepted(
    gateway: Gateway, sign_in: SignIn, person: Person, salt: str
) -> None:
    gateway.sql(
        "update auth.users set encrypted_password = extensions.crypt('of pgcrypto',"
        f" extensions.{salt}) where id = %s",
        (person.id,),
    )
    client = sign_in(Person(person.id, person.email, "of pgcrypto"))
    assert client.auth.get_session() is not None


def test_refresh_rotates_and_reuse_ends_the_session(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    client = sign_in(person)
    first = client.auth.get_session().refresh_token
    second = client.auth.refresh_session(first).session.refresh_token
    third = client.auth.refresh_session(second).session.refresh_token
    assert len({first, second, third}) == 3
    age_refresh_tokens(gateway, person.id)
    with pytest.raises(AuthApiError) as reused:
        client.auth.refresh_session(first)
    assert reused.value.code == "refresh_token_already_used"
    with pytest.raises(AuthApiError):
        client.auth.refresh_session(third)


def test_reuse_within_the_interval_is_forgiven(sign_in: SignIn, person: Person) -> None:
    client = sign_in(person)
    first = client.auth.get_session().refresh_token
    second = client.auth.refresh_session(first).session.refresh_token
    assert client.auth.refresh_session(first).session.refresh_token == second
    client.auth.refresh_session(second)
    assert client.auth.refresh_session(first).session is not None


def test_unknown_refresh_token_is_refused(visitor: Client) -> None:
    with pytest.raises(AuthApiError) as refused:
        visitor.auth.refresh_session("never-issued")
    assert (refused.value.status, refused.value.code) == (400, "refresh_token_not_found")


def test_user_changes_password_and_data_and_other_sessions_end(
    sign_in: SignIn, person: Person
) -> None:
    client, elsewhere = sign_in(person), sign_in(person)
    changed = client.auth.update_user({"password": "another horse", "data": {"full_name": "Ada"}})
    assert changed.user.user_metadata["full_name"] == "Ada"
    with pytest.raises(AuthApiError) as gone:
        elsewhere.auth.get_user(elsewhere.auth.get_session().access_token)
    assert (gone.value.status, gone.value.code) == (403, "session_not_found")
    assert refusal_of(sign_in, person)[1] == "invalid_credentials"
    assert sign_in(Person(person.id, person.email, "another horse")).auth.get_session()


def test_weak_and_same_passwords_are_refused(sign_in: SignIn, person: Person) -> None:
    client = sign_in(person)
    with pytest.raises(AuthWeakPasswordError) as weak:
        client.auth.update_user({"password": "abc"})
    assert weak.value.reasons == ["length"]
    with pytest.raises(AuthApiError) as same:
        client.auth.update_user({"password": PASSWORD})
    assert (same.value.status, same.value.code) == (422, "same_password")


@pytest.mark.parametrize(
    ("scope", "mine_lives", "other_lives"),
    [("global", False, False), ("local", False, True), ("others", True, False)],
)
def test_logout_ends_the_sessions_of_its_scope(
    sign_in: SignIn, person: Person, scope: str, mine_lives: bool, other_lives: bool
) -> None:
    mine, other = sign_in(person), sign_in(person)
    tokens = [client.auth.get_session().access_token for client in (mine, other)]
    mine.auth.sign_out({"scope": scope})  # type: ignore[typeddict-item]

    def lives(token: str) -> bool:
        try:
            return other.auth.get_user(token) is not None
        except AuthApiError as error:
            return error.code != "session_not_found" and pytest.fail(str(error))

    assert [lives(token) for token in tokens] == [mine_lives, other_lives]


def test_tokens_that_are_not_ours_are_bad_jwt(gateway: Gateway, visitor: Client) -> None:
    forged = jwt.encode({"sub": "x", "role": "authenticated"}, "0" * 40, algorithm="HS256")
    unsigned = jwt.encode({"sub": "x"}, None, algorithm="none")
    late = jwt.encode({"sub": "x", "exp": 1}, gateway.env["SUPABASE_JWT_SECRET"], "HS256")
    for token in (forged, unsigned, late):
        with pytest.raises(AuthApiError) as refused:
            visitor.auth.get_user(token)
        assert (refused.value.status, refused.value.code) == (403, "bad_jwt")


def test_supabase_js_signs_in_refreshes_changes_and_leaves(
    gateway: Gateway, person: Person
) -> None:
    seen = gateway.run_js("auth", email=person.email, password=person.password)
    assert seen["version"] == "2.119.0"
    assert seen["userId"] == person.id and seen["refreshed"] and seen["claimsSub"] == person.id
    assert seen["fullName"] == "Ada" and seen["afterSignOut"] == "AuthSessionMissingError"
    assert seen["wrong"] == {"status": 400, "code": "invalid_credentials"}
    assert seen["signUp"] == {"status": 422, "code": "signup_disabled"}
    assert seen["notAdmin"] == {"status": 403, "code": "not_admin"}
    assert seen["created"] and seen["listed"] and seen["deleted"] and seen["total"] >= 1
