"""Knows weeks, ranking, pages and outgoing mail."""
