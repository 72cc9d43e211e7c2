"""Reads answers.toml and the environment into one frozen value; every problem is reported at once.

Secrets are pydantic SecretStr, so that no log line, traceback or repr shows them.
"""

import datetime as dt
import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from harvester.errors import ConfigurationError
from harvester.resources import data_folder
from harvester.secret_files import find_credential, find_secret_file, read_secret

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
Security = Literal["tls", "starttls", "none"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _domain(value: str) -> str:
    cleaned = value.strip().lower().rstrip(".")
    if not cleaned or "@" in cleaned or "/" in cleaned or " " in cleaned or "." not in cleaned:
        raise ValueError("expected a domain such as acme.example")
    return cleaned


def _address(value: str) -> str:
    cleaned = value.strip()
    if cleaned.count("@") != 1 or any(c in cleaned for c in " \r\n,;<>") or not all(cleaned.split("@")):
        raise ValueError("expected one e-mail address such as answers@acme.example")
    return cleaned


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("expected a time zone such as Europe/Berlin") from error
    return value


def _clock(value: str) -> str:
    try:
        dt.datetime.strptime(value, "%H:%M")  # noqa: DTZ007 - a time of day has no zone
    except ValueError as error:
        raise ValueError('expected a time such as "08:00"') from error
    return value


def _frame_language(value: str) -> str:
    known = sorted(path.stem for path in (data_folder() / "frame").glob("*.toml"))
    if value not in known:
        raise ValueError(f"expected one of {', '.join(known)}")
    return value


def _after(value: str) -> str:
    if value != "keep" and not (value.startswith("move:") and value[5:].strip()):
        raise ValueError('expected "keep" or "move:FOLDER"')
    return value


def _product_name(value: str) -> str:
    cleaned = " ".join(value.split())
    if not 2 <= len(cleaned) <= 60 or not cleaned.isprintable():
        raise ValueError("expected a name of 2 to 60 letters such as Plantora")
    return cleaned


DomainName = Annotated[str, AfterValidator(_domain)]
ProductName = Annotated[str, AfterValidator(_product_name)]
EmailAddress = Annotated[str, AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """A table of answers.toml: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Company(Section):
    """Who we are."""

    name: str = Field(min_length=1)
    domains: tuple[DomainName, ...] = Field(min_length=1)
    timezone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    ideal: tuple[DomainName, ...] = ()
    competitors: tuple[ProductName, ...] = ()
    products: tuple[ProductName, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The company's own calendar."""
        return ZoneInfo(self.timezone)


class Server(Section):
    """A server we log in to."""

    host: str = ""
    port: Port
    security: Security
    ca_file: str = ""
    username: str = ""
    auth: Literal["password", "oauth2"] = "password"
    password: SecretStr | None = None
    timeout_seconds: float = Field(default=60, gt=0, le=3600)

    @model_validator(mode="after")
    def _plain_text_stays_at_home(self) -> "Server":
        if self.security == "none" and self.host and self.host not in LOOPBACK:
            raise ValueError('security = "none": allowed for loopback hosts only; use "tls" or "starttls"')
        if self.auth == "oauth2":
            raise ValueError('auth = "oauth2": not supported by this version; use "password" (an app password)')
        return self


class Imap(Server):
    """The mailbox of the answers address."""

    port: Port = 993
    security: Security = "tls"
    timeout_seconds: float = Field(default=30, gt=0, le=3600)
    folder: str = Field(default="INBOX", min_length=1)
    poll_every_minutes: float = Field(default=10, gt=0, le=1440)
    after: Annotated[str, AfterValidator(_after)] = "keep"


class Smtp(Server):
    """The server that takes our mail. sender is written `from` in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)
    port: Port = 587
    security: Security = "starttls"
    sender: EmailAddress | None = Field(default=None, alias="from")


class Trust(Section):
    """Which mail counts."""

    authserv_id: str = ""
    exclude_subjects: tuple[str, ...] | None = None

    def excluded_subjects(self) -> tuple[str, ...]:
        """The user's list, or the shipped one."""
        if self.exclude_subjects is not None:
            return self.exclude_subjects
        path = data_folder() / "gate" / "excluded_subjects.toml"
        return tuple(tomllib.loads(path.read_text(encoding="utf-8"))["subjects"]) if path.exists() else ()


class Privacy(Section):
    """What is kept and shown."""

    keep_raw_days: int = Field(default=180, ge=0)
    redact: bool = True


class DigestSettings(Section):
    """Who gets the weekly mail, and when. executives: who gets the monthly note, nobody unless named."""

    to: tuple[EmailAddress, ...] = ()
    owner: EmailAddress | None = None
    day: Weekday = "monday"
    time: Annotated[str, AfterValidator(_clock)] = "08:00"
    top: int = Field(default=5, ge=1, le=20)
    language: Annotated[str, AfterValidator(_frame_language)] = "en"
    executives: tuple[EmailAddress, ...] = ()

    @property
    def time_of_day(self) -> dt.time:
        """Wall-clock time in the company's zone."""
        hour, minute = self.time.split(":")
        return dt.time(int(hour), int(minute))


class Site(Section):
    """The pages."""

    path: str = "site"
    base_url: str = ""
    build: Literal["internal", "shareable"] = "internal"


class Engine(Section):
    """How much of the machine may be used."""

    workers: int = Field(default=2, ge=1, le=64)
    dask: str = ""


class Config(Section):
    """The whole of answers.toml."""

    company: Company
    imap: Imap = Imap()
    trust: Trust = Trust()
    privacy: Privacy = Privacy()
    smtp: Smtp = Smtp()
    digest: DigestSettings = DigestSettings()
    site: Site = Site()
    engine: Engine = Engine()


def load_config(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read the file and the ANSWERS_* variables; raise ConfigurationError with one line per problem."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError((f"{path}: not found; run `answers init` or name the file with --config",)) from error
    except OSError as error:
        raise ConfigurationError((f"{path}: cannot be read ({error.strerror})",)) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError((f"{path}: is not UTF-8 text",)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError((f"{path.name}: not valid TOML: {error}",)) from error
    problems = _overlay_environment(document, environment)
    problems += _read_secrets(document, path, environment)
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        problems += [_sentence(path.name, detail, document) for detail in error.errors()]
        raise ConfigurationError(tuple(problems)) from None
    if problems:
        raise ConfigurationError(tuple(problems))
    return config


def holds_secret(path: Path) -> bool:
    """Whether a secret is written into the file itself, which was read before."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    tables = (table for table in document.values() if isinstance(table, dict))
    return any(key in secret_keys() for table in tables for key in table)


def secret_keys() -> frozenset[str]:
    """The keys whose values are never shown or copied."""
    return frozenset(key for field in Config.model_fields.values() for key in _secret_keys_of(field.annotation))


def _secret_keys_of(model: Any) -> tuple[str, ...]:
    return tuple(name for name, field in _keys(model).items() if "SecretStr" in str(field.annotation))


def _overlay_environment(document: dict[str, Any], environment: Mapping[str, str]) -> list[str]:
    problems = []
    for variable, value in sorted(environment.items()):
        if not variable.startswith("ANSWERS_") or variable == "ANSWERS_CONFIG":
            continue
        section, separator, key = variable.removeprefix("ANSWERS_").lower().partition("__")
        if not separator or not _is_key(section, key):
            problems.append(f"{variable}: no such setting{_suggestion(section, Config.model_fields)}")
            continue
        table = document.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = _parse_value(section, key, value)
    return problems


def _is_key(section: str, key: str) -> bool:
    field = Config.model_fields.get(section)
    return field is not None and bool({key, key.removesuffix("_file")} & set(_keys(field.annotation)))


def _keys(model: Any) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _parse_value(section: str, key: str, value: str) -> Any:
    field = _keys(Config.model_fields[section].annotation).get(key)
    if field is not None and "tuple" in str(field.annotation):
        return [item.strip() for item in value.split(",") if item.strip()]
    if field is not None and field.annotation is bool:
        try:
            return TypeAdapter(bool).validate_python(value)
        except ValidationError:
            return value
    return value


def _read_secrets(document: dict[str, Any], path: Path, environment: Mapping[str, str]) -> list[str]:
    """Put the content of each `x_file`, and of credentials named like `imap.password`, in the place of `x`."""
    problems = []
    for section, field in Config.model_fields.items():
        keys = _secret_keys_of(field.annotation)
        table: Any = document.setdefault(section, {}) if keys else None
        for key in keys if isinstance(table, dict) else ():
            name = table.pop(f"{key}_file", None)
            if table.get(key):  # the environment's password wins over the file's password_file
                continue
            if name is None:
                file = find_credential(f"{section}.{key}", environment)
            else:
                file = find_secret_file(str(name), path.parent, environment)
            if file is None:
                continue
            try:
                table[key] = read_secret(file)
            except (OSError, ValueError) as error:
                shown = f"{key} (credential)" if name is None else f"{key}_file = {name!r}"
                problems.append(f"{path.name}: [{section}] {shown}: {_why_unreadable(error)}")
    return problems


def _why_unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not text"
    return str(error.strerror) if isinstance(error, OSError) else str(error)


def _sentence(file_name: str, detail: ErrorDetails, document: dict[str, Any]) -> str:
    section, *rest = [str(step) for step in detail["loc"]]
    if detail["type"] == "extra_forbidden":
        known: Any = Config.model_fields if not rest else _keys(Config.model_fields[section].annotation)
        name = f"[{section}] {rest[0]}" if rest else f"[{section}]"
        return (
            f"{file_name}: {name}: no such {'key' if rest else 'section'}{_suggestion((rest or [section])[-1], known)}"
        )
    if detail["type"] == "missing":
        return f"{file_name}: [{section}]{' ' + rest[0] if rest else ''}: is required"
    expected = _expectation(detail)
    if not rest:
        return f"{file_name}: [{section}] {expected}"
    value = document.get(section, {}).get(rest[0]) if isinstance(document.get(section), dict) else None
    shown = "" if rest[0] in secret_keys() else f" = {value!r}"
    return f"{file_name}: [{section}] {rest[0]}{shown}: {expected}"


def _expectation(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] in ("greater_than_equal", "less_than_equal") and detail["loc"][-1] == "port":
        return "expected 1 to 65535"
    if detail["type"] == "literal_error":
        return f"expected one of {context['expected']}"
    return detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected")


def _suggestion(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"
