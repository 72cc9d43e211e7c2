"""Configures the log of the long-running command: one line per event on standard error."""

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from digest.quotes import one_line

EVENT_CHARACTERS = 500


def log_to_stderr() -> None:
    """INFO and above. Values are escaped to one line without control or direction characters."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _one_line_values,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        # Not bound to today's sys.stderr: it may be replaced while the process lives.
        logger_factory=lambda *args: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _one_line_values(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: one_line(v)[:EVENT_CHARACTERS] if isinstance(v, str) else v for key, v in event.items()}
