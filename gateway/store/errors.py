"""What the store may raise beyond the families of gateway/domain/errors.py.

`StoreRefused` stops a process before it serves; the two others cross the edge like their families.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.domain.errors import InvariantViolated, NotFound, StorageUnavailable


class StoreRefused(Exception):
    """The store cannot be opened as it is. The text says what to do; `reason` is for machines."""

    def __init__(self, reason: str, text_zh: str) -> None:
        super().__init__(f"{text_zh} [{reason}]")
        self.reason = reason


class Undecipherable(InvariantViolated):
    """Wrong key, another row's bytes or damaged bytes: deliberately one and the same error."""

    reason = "UNDECIPHERABLE"

    def __init__(self) -> None:
        super().__init__("a stored value does not open: wrong key, wrong place or damaged")


class SubjectErased(NotFound):
    """The person's key was destroyed (加密销毁): nothing of theirs can be read any more."""

    reason = "SUBJECT_ERASED"
    text_zh = "该人员的个人信息已依法删除,无法再查询。"


def in_our_terms(error: Exception) -> Exception:
    """The driver's errors as ours; trouble with storage must not pass for a business answer."""
    if isinstance(error, IntegrityError):
        ours: Exception = InvariantViolated("a database constraint refused a write")
    elif isinstance(error, DBAPIError):
        ours = StorageUnavailable("the database refused a statement")
    else:
        return error
    ours.__cause__ = error
    return ours
