"""The local stack: what stands in for a Supabase project on laptops and in CI."""
