"""Reads the TOML files that a workspace may hold beside answers.toml. Knows nothing of what they say."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harvester.errors import ConfigurationError


def read_own_file(
    path: Path, *, most_bytes: int, holds: str, find_problems: Callable[[Mapping[str, Any]], Sequence[str]]
) -> Mapping[str, Any] | None:
    """What the file says; None when there is none. Raises ConfigurationError, one line per problem.

    holds: what such a file is for, in a word. find_problems: what is wrong with its content, one sentence each.
    """
    if not path.exists():
        return None
    try:
        if path.stat().st_size > most_bytes:
            limit = f"{most_bytes // 1_000_000} MB" if most_bytes >= 1_000_000 else f"{most_bytes // 1_000} kB"
            raise ConfigurationError((f"{path.name}: is larger than {limit}; it holds {holds}, not documents",))
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError((f"{path.name}: cannot be read: {error.strerror}",)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError((f"{path.name}: is not TOML: {error}; see docs/content.md for an example",)) from error
    if problems := find_problems(table):
        raise ConfigurationError(tuple(f"{path.name}: {problem}" for problem in problems))
    return table
