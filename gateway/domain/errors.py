"""What can go wrong, by who must act. Each class carries a stable `reason` (UPPER_SNAKE).

The gRPC edge maps families to statuses in one table (gateway/rpc/errors.py); a test walks every
subclass. "No" that belongs to the normal course (a region refusing a settlement) is a value, not
one of these: an error status from a money RPC means that nothing was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with one field: where, what, and a text for the person at the counter."""

    field: str
    """Path in the caller's own terms, e.g. `bill.lines[3].unit_price`."""
    reason: str
    """UPPER_SNAKE, e.g. THIRD_DECIMAL."""
    text_zh: str
    """中文说明: what is wrong and what to do. Never contains the offending personal value."""


class DomainError(Exception):
    """Root of every error that crosses the RPC edge."""

    reason: ClassVar[str] = "INTERNAL"
    text_zh: ClassVar[str] = "系统内部错误,请稍后重试或联系管理员。"

    def __init__(
        self,
        message: str = "",
        *,
        reason: str | None = None,
        text_zh: str | None = None,
        violations: tuple[Violation, ...] = (),
        metadata: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message or (text_zh or self.text_zh))
        self.code = reason or self.reason
        self.zh = text_zh or self.text_zh
        self.violations = violations
        self.metadata = metadata or {}


class Malformed(DomainError):
    """The request cannot be understood: the caller corrects it. → INVALID_ARGUMENT."""

    reason = "MALFORMED"
    text_zh = "请求内容有误,请按提示修改后重试。"


class Refused(DomainError):
    """Understood, and not allowed in the present state of things. → FAILED_PRECONDITION."""

    reason = "REFUSED"
    text_zh = "当前状态不允许该操作。"


class NotFound(DomainError):
    """No such thing, or not the caller's to see. → NOT_FOUND."""

    reason = "NOT_FOUND"
    text_zh = "未找到该记录。"


class Conflict(DomainError):
    """The state moved under the caller; read again and retry. → ABORTED."""

    reason = "CONFLICT"
    text_zh = "记录已被其他操作改变,请重新查询后再试。"


class RequestIdReused(DomainError):
    """The request_id belongs to another body. → ALREADY_EXISTS."""

    reason = "REQUEST_ID_REUSED"
    text_zh = "该请求号已用于另一笔内容不同的业务;新的尝试请使用新的请求号。"


class Forbidden(DomainError):
    """The caller is known and may not do this. → PERMISSION_DENIED."""

    reason = "FORBIDDEN"
    text_zh = "无权执行该操作。"


class Unauthenticated(DomainError):
    """The caller is not known. → UNAUTHENTICATED."""

    reason = "UNAUTHENTICATED"
    text_zh = "未能识别调用方身份,请检查客户端证书。"


class Overloaded(DomainError):
    """We are full; come back after `retry_after_ms`. → RESOURCE_EXHAUSTED + RetryInfo."""

    reason = "OVERLOADED"
    text_zh = "系统繁忙,请稍后重试。"
    retry_after_ms: ClassVar[int] = 500


class DeadlinePassed(DomainError):
    """Too little time is left to do this safely; nothing was sent. → DEADLINE_EXCEEDED."""

    reason = "DEADLINE_TOO_SHORT"
    text_zh = "剩余时间不足,未发送任何请求;请以更长的时限重试。"


class RegionUnavailable(DomainError):
    """A region could not be asked, and nothing was settled. → UNAVAILABLE + RetryInfo."""

    reason = "REGION_UNAVAILABLE"
    text_zh = "对方地区平台暂时无法连接,未发生结算;请稍后重试。"
    retry_after_ms: ClassVar[int] = 3000


class StorageUnavailable(DomainError):
    """Our own database cannot commit; nothing was acknowledged. → UNAVAILABLE + RetryInfo."""

    reason = "STORAGE_UNAVAILABLE"
    text_zh = "本系统存储暂不可用,请稍后重试。"
    retry_after_ms: ClassVar[int] = 1000


class InvariantViolated(DomainError):
    """A promise of ours does not hold. → INTERNAL; the detail stays in our log."""

    reason = "INVARIANT_VIOLATED"
