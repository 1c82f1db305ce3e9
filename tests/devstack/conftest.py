"""What the gateway's tests start from: a gateway, people, and the real supabase-py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from supabase_auth.errors import AuthApiError

from devstack.stack import Stack
from supabase import Client, ClientOptions, create_client
from tests.devstack import gateway_process
from tests.devstack.accounts import Account
from tests.devstack.gateway_process import Gateway
from tests.devstack.rooms import token_of

PASSWORD = "correct horse battery"


SignIn = Callable[["Person"], Client]
NewPerson = Callable[..., "Person"]
NewBucket = Callable[..., str]
OWN_FOLDER = "bucket_id = '{bucket}' and (storage.foldername(name))[1] = (select auth.uid())::text"


@dataclass(frozen=True)
class Person:
    id: str
    email: str
    password: str = PASSWORD


@pytest.fixture(scope="session")
def gateway(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    env = gateway_process.environment(stack.env, folder)
    process = gateway_process.start(env, folder)
    try:
        gateway_process.wait_ready(process, env["SUPABASE_URL"], folder)
        gateway = Gateway(env, process.pid, folder)
        gateway.sql(gateway_process.SCRATCH)
        yield gateway
        gateway.sql("drop schema gw_test cascade")
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def new_client(gateway: Gateway) -> Iterator[Callable[..., Client]]:
    """supabase-py's own client with a key of the gateway; its connections are closed at the end."""
    with httpx.Client(timeout=30) as connections:

        def made(key: str) -> Client:
            options = ClientOptions(httpx_client=connections, auto_refresh_token=False)
            return create_client(gateway.url, key, options)

        yield made


@pytest.fixture
def service(gateway: Gateway, new_client: Callable[..., Client]) -> Client:
    """supabase-py with the service key."""
    return new_client(gateway.service_key)


@pytest.fixture
def visitor(gateway: Gateway, new_client: Callable[..., Client]) -> Client:
    """supabase-py with the anon key, signed in as nobody."""
    return new_client(gateway.anon_key)


@pytest.fixture
def new_person(service: Client) -> Iterator[Callable[..., Person]]:
    made: list[str] = []

    def make(name: str = "person", **attributes: Any) -> Person:
        email = f"{name}-{uuid4().hex[:12]}@example.com"
        given = {"email": email, "password": PASSWORD, "email_confirm": True} | attributes
        user = service.auth.admin.create_user(given).user  # type: ignore[arg-type]
        made.append(user.id)
        return Person(user.id, email, str(given["password"]))

    yield make
    for user_id in made:
        service.auth.admin.delete_user(user_id)


@pytest.fixture
def person(new_person: Callable[..., Person]) -> Person:
    return new_person()


@pytest.fixture
def sign_in(gateway: Gateway, new_client: Callable[..., Client]) -> Callable[[Person], Client]:
    def signed_in(person: Person) -> Client:
        client = new_client(gateway.anon_key)
        client.auth.sign_in_with_password({"email": person.email, "password": person.password})
        return client

    return signed_in


@pytest.fixture
def account(gateway: Gateway, sign_in: SignIn, person: Person) -> Account:
    return Account(gateway, token_of(sign_in(person)))


@pytest.fixture
def topic() -> str:
    return f"room:{uuid4().hex}"


@pytest.fixture
def topic_policy(gateway: Gateway) -> Iterator[Callable[..., None]]:
    """topic_policy("select", topic, user ids) on realtime.messages, dropped at the end."""
    made: list[str] = []

    def make(verb: str, topic: str, *users: str) -> None:
        name, people = f"gw {uuid4().hex}", ", ".join(f"'{user}'" for user in users)
        rule = f"realtime.topic() = '{topic}' and (select auth.uid())::text in ({people})"
        clause = f"with check ({rule})" if verb == "insert" else f"using ({rule})"
        gateway.sql(
            f'create policy "{name}" on realtime.messages for {verb} to authenticated {clause}'
        )
        made.append(name)

    yield make
    for name in made:
        gateway.sql(f'drop policy "{name}" on realtime.messages')


@pytest.fixture
def new_bucket(gateway: Gateway, service: Client) -> Iterator[NewBucket]:
    made: list[str] = []

    def make(**options: Any) -> str:
        name = f"b-{uuid4().hex[:10]}"
        service.storage.create_bucket(name, options={"public": False, **options})  # type: ignore[typeddict-item]
        made.append(name)
        return name

    yield make
    for name in made:
        service.storage.empty_bucket(name)
        service.storage.delete_bucket(name)


@pytest.fixture
def object_policy(gateway: Gateway) -> Iterator[Callable[[str, str, str], None]]:
    """object_policy("select", bucket, expression) for authenticated, dropped at the end."""
    made: list[str] = []

    def make(verb: str, bucket: str, expression: str = OWN_FOLDER) -> None:
        name, rule = f"gw {uuid4().hex}", expression.format(bucket=bucket)
        clauses = {
            "insert": f"with check ({rule})",
            "update": f"using ({rule}) with check ({rule})",
        }
        gateway.sql(
            f'create policy "{name}" on storage.objects for {verb} to authenticated '
            + clauses.get(verb, f"using ({rule})")
        )
        made.append(name)

    yield make
    for name in made:
        gateway.sql(f'drop policy "{name}" on storage.objects')


def refusal_of(sign_in: SignIn, person: Person) -> tuple[int, str | None, str]:
    """(status, code, message) of a sign-in that must fail."""
    with pytest.raises(AuthApiError) as refused:
        sign_in(person)
    return refused.value.status, refused.value.code, refused.value.message
