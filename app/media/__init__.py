"""Pictures, films and sounds: what bytes are, what they show, and how they are fetched safely."""
