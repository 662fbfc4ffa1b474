"""配置档的取值: what a value must be beyond its type, so that a wrong one fails at the start.

Pure. Each check answers `key:what is wrong (中文)`, "" for nothing. Not here: unknown and missing
keys (profile_file.py); whether a value is right, which only the province knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from adapters.baseline.profile import Timing, Wire
from adapters.baseline.profile_section import Section
from adapters.baseline.profile_signing import SIGNED_FIELDS, SIGNS_ANSWERS, Signing

_NUMBER = re.compile(r"[0-9]{4}[A-Z]?", re.ASCII)
_LENGTH = re.compile(r"[1-9][0-9]*(,[0-9]+)?", re.ASCII)


def problem_of(section: Section) -> str:
    """The first thing wrong in a section that was read."""
    if not section.source:
        return "source:写明出处,不能为空"
    for kind, check in _CHECKS.items():
        if isinstance(section, kind):
            return check(section)
    return ""


def _wire(wire: Section) -> str:
    if not isinstance(wire, Wire):
        return ""
    for key, value in {"path": wire.path, **wire.paths}.items():
        if not value.startswith("/"):
            return f"{'path' if key == 'path' else f'paths.{key}'}:应以 / 开头"
    for key, value in wire.variants.items():
        if not _NUMBER.fullmatch(key) or not _NUMBER.fullmatch(value):
            return f"variants.{key}:交易编号应为 4 位数字,可带一个大写字母"
    for key, value in wire.lengths.items():
        if not _LENGTH.fullmatch(value):
            return f"lengths.{key}:应为长度,如 6 或 16,2"
    return "" if wire.lines_per_upload > 0 else "lines_per_upload:应大于 0"


def _signing(signing: Section) -> str:
    if not isinstance(signing, Signing):
        return ""
    known = SIGNED_FIELDS.get(signing.scheme, frozenset())
    if not known.issuperset(signing.signed_fields):
        return f"signed_fields:{signing.scheme} 只认 {'、'.join(sorted(known))}"
    if signing.answers_signed and signing.scheme not in SIGNS_ANSWERS:
        return f"answers_signed:{signing.scheme} 的应答没有签名,应为 false"
    if signing.clock_unit_ms not in (1, 1000):
        return "clock_unit_ms:应为 1(毫秒)或 1000(秒)"
    if signing.skew_ms <= 0:
        return "skew_ms:应大于 0"
    return "" if signing.nonce_ttl_s >= 0 else "nonce_ttl_s:不能小于 0"


def _timing(timing: Section) -> str:
    if not isinstance(timing, Timing):
        return ""
    counts: Mapping[str, int] = {
        "connect_timeout_ms": timing.connect_timeout_ms,
        "read_timeout_ms": timing.read_timeout_ms,
        "concurrency": timing.concurrency,
        "queue_timeout_ms": timing.queue_timeout_ms,
        "failures_to_open": timing.failures_to_open,
        "open_ms": timing.open_ms,
        **{f"timeouts_ms.{key}": value for key, value in timing.timeouts_ms.items()},
    }
    for key, value in counts.items():
        if value <= 0:
            return f"{key}:应大于 0"
    return "" if timing.retry_budget >= 0 else "retry_budget:不能小于 0"


_CHECKS: Mapping[type[Section], Callable[[Section], str]] = {
    Wire: _wire,
    Signing: _signing,
    Timing: _timing,
}
