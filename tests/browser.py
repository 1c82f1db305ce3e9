"""The real clients, as a browser uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
from realtime import AsyncRealtimeClient

from supabase import AsyncClient, AsyncClientOptions, acreate_client
from tests.people import PASSWORD, Person


@asynccontextmanager
async def connected(
    url: str, anon_key: str, token: str | None = None
) -> AsyncIterator[AsyncRealtimeClient]:
    """realtime-py at the Supabase of this address; without a token, as a visitor."""
    client = AsyncRealtimeClient(f"{url}/realtime/v1", token=anon_key, auto_reconnect=False)
    if token:
        await client.set_auth(token)
    await client.connect()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def signed_in(env: Mapping[str, str], person: Person) -> AsyncIterator[AsyncClient]:
    """supabase-py as the person, listening as him too."""
    async with httpx.AsyncClient() as connections:
        options = AsyncClientOptions(httpx_client=connections, auto_refresh_token=False)
        client = await acreate_client(env["SUPABASE_URL"], env["SUPABASE_ANON_KEY"], options)
        told = await client.auth.sign_in_with_password(
            {"email": person.email, "password": PASSWORD}
        )
        assert told.session is not None
        await client.realtime.set_auth(told.session.access_token)
        yield client
        await client.realtime.close()
        await client.auth.sign_out()


async def bearer_of(client: AsyncClient) -> dict[str, str]:
    """The header that Flask wants of whoever signed in."""
    session = await client.auth.get_session()
    assert session is not None
    return {"Authorization": f"Bearer {session.access_token}"}
