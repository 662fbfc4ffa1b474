"""日志脱敏: structured log lines in which no person can be found.

Two nets. First an allow-list: a field that is not named here is dropped, not printed. Then patterns
over every text and over the finished line, because an allowed field (a traceback above all) can
carry what nobody meant to write. Lines are JSON, one a line. No metrics and no tracing here.
Source: domain/security.md §9. Time comes from the caller's clock.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
import unicodedata
import weakref
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

import orjson
import structlog

request_id_var: ContextVar[str] = ContextVar("request_id", default="")
"""The call being served: set once at the edge, read by every line written underneath."""
institution_var: ContextVar[str] = ContextVar("institution", default="")
"""定点医药机构编号 of the caller, once it is known."""

ALLOWED_FIELDS = frozenset({
    "at", "attempts", "available_fen", "cause", "checkpoint_size", "checked", "claim_id", "count",
    "database", "day", "duration_ms", "entry_id", "environment", "error_code", "error_type",
    "event", "exception", "floor_fen", "institution", "item_id", "kind", "leaf_index", "level",
    "limit_id",
    "listen", "logger", "msgid", "outcome", "port", "queue_depth", "reason", "region",
    "request_id", "rpc", "serving", "signal", "size", "state", "status", "step", "subject_ref",
    "transaction", "tree_size", "undated", "verb", "version", "window",
})  # fmt: skip
"""Everything a line may hold. None of them is personal; subject_ref is unlinkable by design."""

EXCEPTION_MAX = 8_000
"""Most characters of a traceback that are kept."""

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_18 = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_ID_15 = re.compile(r"(?<!\d)\d{15}(?!\d)")
_CARD_NUMBER_19 = re.compile(r"(?<!\d)31\d{17}(?!\d)")
_CARD_SERIAL = re.compile(
    r"(?<![0-9A-Fa-f])(?=[0-9A-Fa-f]{0,22}[Dd]156000005)[0-9A-Fa-f]{32}(?![0-9A-Fa-f])"
)
_SECRET_KEY = re.compile(
    r"(?i)\b(ec_?token|sign_?no|essc_?no|id_?no|id_number|certificate_number|card_serial"
    r"|authorization)(\\*[\"']?\s*[:=]\s*\\*[\"']?)(?!\[REDACTED)((?:bearer|basic)\s+)?[^\s\"'\\,;}&)]+"
)


class Logger(Protocol):
    """What the rest of the house needs of a logger: an event name and allowed fields."""

    def info(self, event: str, **fields: Any) -> object: ...

    def warning(self, event: str, **fields: Any) -> object: ...

    def error(self, event: str, **fields: Any) -> object: ...


def _has_check_digit(number: str) -> bool:
    """MOD 11-2 of GB 11643, for any Unicode digits."""
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    last = number[17].upper()
    return "10X98765432"[total % 11] == (last if last == "X" else str(int(last)))


def _name_the_kind(match: re.Match[str]) -> str:
    # A failed check digit is redacted too: it may be a mistyped number of a real person.
    return f"[REDACTED:{'id_number' if _has_check_digit(match[0]) else 'digits18'}]"


def redact(text: str) -> str:
    """The text with everything that looks like a person's number replaced by `[REDACTED:kind]`.

    Patterns also run on the NFKC form (full-width digits): where that finds more, the NFKC form is
    what is answered. Never raises.
    """
    found = _redact_as_written(text)
    if text.isascii():
        return found
    normal = unicodedata.normalize("NFKC", text)
    in_normal = _redact_as_written(normal)
    return in_normal if in_normal != normal else found


def _redact_as_written(text: str) -> str:
    text = _CARD_SERIAL.sub("[REDACTED:card_serial]", text)
    text = _SECRET_KEY.sub(lambda m: f"{m[1]}{m[2]}[REDACTED:secret]", text)
    text = _CARD_NUMBER_19.sub("[REDACTED:card_number]", text)
    text = _ID_18.sub(_name_the_kind, text)
    return _ID_15.sub("[REDACTED:digits15]", text)


def keep_allowed(event: MutableMapping[str, Any]) -> dict[str, Any]:
    """The first net: allowed fields only, each a flat value; texts through the second net."""
    kept: dict[str, Any] = {}
    for name, value in event.items():
        if name not in ALLOWED_FIELDS or value is None:
            continue
        if isinstance(value, bool | int):
            kept[name] = value
        else:
            # Never a repr of an unknown object: str of a message or a dataclass may hold a person.
            kept[name] = redact(value) if isinstance(value, str) else f"<{type(value).__name__}>"
    return kept


def render(event: MutableMapping[str, Any]) -> str:
    """One line of JSON, both nets applied."""
    return redact(orjson.dumps(keep_allowed(event), option=orjson.OPT_SORT_KEYS).decode())


def describe_exception(error: BaseException) -> str:
    """The traceback without any values of locals, both ends kept when it is long."""
    text = "".join(traceback.format_exception(error))
    if len(text) <= EXCEPTION_MAX:
        return text
    half = EXCEPTION_MAX // 2
    return f"{text[:half]}\n…\n{text[-half:]}"


class _Shape:
    """structlog processor: adds time, level and request id, and renders."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def __call__(self, _: object, level: str, event: MutableMapping[str, Any]) -> str:
        error = event.pop("exc_info", None)
        if error is True:
            error = sys.exc_info()[1]
        if isinstance(error, BaseException):
            event["exception"] = describe_exception(error)
            event["error_type"] = type(error).__name__
        event["level"] = level
        event["at"] = self._now().isoformat(timespec="milliseconds")
        event.setdefault("request_id", request_id_var.get() or None)
        event.setdefault("institution", institution_var.get() or None)
        return render(event)


class _Lines:
    """Writes finished lines; one flush a line, so that a crash keeps them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    log = debug = info = warning = error = critical = exception = msg


class _FromLibraries(logging.Handler):
    """What grpc, asyncio and others log goes through the same nets."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=error)


def configure(
    *, now: Callable[[], datetime], path: Path | None = None, stream: TextIO | None = None
) -> Logger:
    """Send all log lines to `path` (mode 0600), else to `stream`, else to stderr; answers a logger.

    Called once, by the composition root. The standard library's root logger is taken over.
    """
    if path is not None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        stream = os.fdopen(descriptor, "a", encoding="utf-8")
    sink = _Lines(stream or sys.stderr)
    if path is not None and stream is not None:
        # Closed with the sink, be it replaced or at the process's end.
        weakref.finalize(sink, stream.close)
    structlog.configure(
        processors=[_Shape(now)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=False,
    )
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    logging.basicConfig(handlers=[_FromLibraries(log)], level=logging.WARNING, force=True)
    return log
