"""Local stand-ins for the APIs of other companies, for development and tests only.

`python -m sandbox` serves all of them in one process; everything is in memory. It imports nothing
of the product, so that a mistake in one is not repeated in the other.
"""
