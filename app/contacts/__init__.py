"""What is known about people as such: numbers, names, addresses. Rules about rows live in SQL."""

from app.contacts.emails import normalize_email
from app.contacts.names import PersonName, parse_name
from app.contacts.phones import normalize_phone

__all__ = ["PersonName", "normalize_email", "normalize_phone", "parse_name"]
