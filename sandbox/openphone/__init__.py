"""OpenPhone, now Quo: both API surfaces and both webhook systems."""
