"""Configures the log of the long-running command: one line per event on standard error."""

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

EVENT_CHARACTERS = 500


def log_to_stderr() -> None:
    """INFO and above. In every value control and direction characters are escaped, so that it stays one line."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _escape_values,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        # Not bound to today's sys.stderr: it may be replaced while the process lives.
        logger_factory=lambda *args: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _escape_values(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: v if isinstance(v, bool | int | float) else escape_line(str(v)) for key, v in event.items()}


def escape_line(text: str) -> str:
    """Printable characters as they are, all others as \\n, \\x1b, \\u202e: nothing is hidden, nothing is obeyed."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:EVENT_CHARACTERS])
    return shown[:EVENT_CHARACTERS]
