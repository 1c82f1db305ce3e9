"""The local stack: PostgreSQL, Redis, PostgREST, a small gateway and our own processes, for laptops and CI."""
