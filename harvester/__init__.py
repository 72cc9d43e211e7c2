"""Knows mail and the database file; knows nothing of language."""
