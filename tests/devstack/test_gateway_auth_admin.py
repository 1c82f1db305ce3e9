"""Accounts kept by the service key, the token hook, and the shapes of answers."""

from __future__ import annotations

import json

import httpx
import jwt
import pytest
from supabase_auth.errors import AuthApiError

from supabase import Client
from tests.devstack.conftest import PASSWORD, NewPerson, Person, SignIn, refusal_of
from tests.devstack.gateway_process import Gateway


def test_admin_creates_lists_changes_and_deletes(service: Client, new_person: NewPerson) -> None:
    person = new_person(app_metadata={"team": "a"}, user_metadata={"full_name": "Grace"})
    found = service.auth.admin.get_user_by_id(person.id).user
    assert found.app_metadata == {"provider": "email", "providers": ["email"], "team": "a"}
    assert found.user_metadata["full_name"] == "Grace"
    assert found.identities[0].provider == "email"
    new_person(), new_person()
    pages = [service.auth.admin.list_users(page=n, per_page=2) for n in (1, 2)]
    assert [len(page) for page in pages][0] == 2
    assert not {u.id for u in pages[0]} & {u.id for u in pages[1]}
    changed = service.auth.admin.update_user_by_id(
        person.id, {"email": f"new-{person.email}", "app_metadata": {"team": None}}
    ).user
    assert changed.email == f"new-{person.email}" and "team" not in changed.app_metadata
    doomed = service.auth.admin.create_user(
        {"email": f"doomed-{person.email}", "password": PASSWORD}
    ).user
    service.auth.admin.delete_user(doomed.id)
    with pytest.raises(AuthApiError) as gone:
        service.auth.admin.get_user_by_id(doomed.id)
    assert (gone.value.status, gone.value.code) == (404, "user_not_found")


def test_soft_deleted_user_is_kept_but_cannot_sign_in(
    gateway: Gateway, service: Client, sign_in: SignIn, person: Person
) -> None:
    service.auth.admin.delete_user(person.id, should_soft_delete=True)
    assert refusal_of(sign_in, person)[1] == "invalid_credentials"
    assert gateway.sql("select deleted_at from auth.users where id = %s", (person.id,))[0][
        "deleted_at"
    ]


def test_same_address_twice_is_refused(service: Client, person: Person) -> None:
    with pytest.raises(AuthApiError) as taken:
        service.auth.admin.create_user({"email": person.email.upper(), "password": PASSWORD})
    assert (taken.value.status, taken.value.code) == (422, "email_exists")


def test_admin_api_is_for_the_service_key_only(
    visitor: Client, sign_in: SignIn, person: Person
) -> None:
    with pytest.raises(AuthApiError) as anonymous:
        visitor.auth.admin.list_users()
    assert (anonymous.value.status, anonymous.value.code) == (403, "not_admin")


def test_signup_is_closed(visitor: Client) -> None:
    with pytest.raises(AuthApiError) as closed:
        visitor.auth.sign_up({"email": "new@example.com", "password": PASSWORD})
    assert (closed.value.status, closed.value.code) == (422, "signup_disabled")


def test_hook_writes_claims_at_sign_in_and_refresh(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    client = sign_in(person)

    def hooked() -> str:
        token = client.auth.get_session().access_token
        return str(jwt.decode(token, options={"verify_signature": False})["app_metadata"]["hooked"])

    assert hooked() == "password as supabase_auth_admin"
    client.auth.refresh_session()
    assert hooked() == "token_refresh as supabase_auth_admin"


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("refused", 403, "Not today"),
        ("partial", 500, "sub is required"),
        ("broken", 500, "Error running hook URI: pg-functions://postgres/gw_test/hook"),
    ],
)
def test_failing_hook_leaves_no_session(
    gateway: Gateway, sign_in: SignIn, new_person: NewPerson, name: str, status: int, message: str
) -> None:
    person = new_person(name)
    refused = refusal_of(sign_in, person)
    assert refused[0] == status and message in refused[2]
    assert gateway.sql("select id from auth.sessions where user_id = %s", (person.id,)) == []


def test_errors_have_both_shapes_of_gotrue(gateway: Gateway) -> None:
    def ask(**headers: str) -> httpx.Response:
        return httpx.post(
            f"{gateway.url}/auth/v1/token?grant_type=password",
            json={"email": "x", "password": "y"},
            headers={"apikey": gateway.anon_key} | headers,
        )

    assert ask().json() == {
        "code": 400,
        "error_code": "invalid_credentials",
        "msg": "Invalid login credentials",
    }
    dated = ask(**{"X-Supabase-Api-Version": "2024-01-01"})
    assert dated.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert dated.headers["X-Supabase-Api-Version"] == "2024-01-01"


def test_symmetric_project_has_an_empty_key_set(gateway: Gateway) -> None:
    assert httpx.get(f"{gateway.url}/auth/v1/.well-known/jwks.json").json() == {"keys": []}
    told = httpx.get(f"{gateway.url}/auth/v1/settings", headers={"apikey": gateway.anon_key}).json()
    assert told["disable_signup"] is True and told["external"]["email"] is True


@pytest.mark.parametrize("odd", ["a@b.c\0", "\ud800@example.com"])
def test_what_is_no_text_is_refused(gateway: Gateway, odd: str) -> None:
    for path, body in (
        ("/recover", {"email": odd}),
        ("/verify", {"type": "recovery", "token_hash": odd}),
        ("/token?grant_type=password", {"email": odd, "password": odd}),
        ("/otp", {"email": "a@example.com", "data": {"deep": [odd]}}),
        ("/otp", [odd]),
    ):
        refused = httpx.post(
            f"{gateway.url}/auth/v1{path}",
            content=json.dumps(body),
            headers={"apikey": gateway.anon_key},
        )
        assert (refused.status_code, refused.json()["error_code"]) == (400, "bad_json")
    deep = httpx.post(
        f"{gateway.url}/auth/v1/otp",
        content='{"data":' + "[" * 100_000,
        headers={"apikey": gateway.anon_key},
    )
    assert deep.status_code == 400
    link = httpx.get(f"{gateway.url}/auth/v1/verify?type=recovery&token=a%00")
    assert link.status_code == 303 and "otp_expired" in link.headers["Location"]
