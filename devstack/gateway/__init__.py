"""Stands, on a laptop and in CI, where Supabase's gateway, Auth, Storage and Realtime stand.

It serves the part of their API that the current supabase-js and supabase-py use; PostgREST itself
answers /rest/v1.
"""
