"""Texts, calls and what comes with them."""
