"""NumVerify, by apilayer: what kind of number this is."""
