"""Knows text, vectors and topics; knows nothing of weeks, pages or outgoing mail."""
