"""The table of errors: complete, rich, small enough to travel, and silent about people."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

import gateway
from gateway.domain import errors
from gateway.domain.errors import DomainError, Violation
from gateway.rpc.convert.findings import Findings
from gateway.rpc.errors import STATUS, family_of, status_code, to_status


def every_subclass(kind: type[DomainError]) -> set[type[DomainError]]:
    """All of them, in every module of the gateway."""
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    found: set[type[DomainError]] = set()
    waiting = [kind]
    while waiting:
        children = waiting.pop().__subclasses__()
        found.update(children)
        waiting.extend(children)
    return found


def detail(status: status_pb2.Status, kind: Any) -> Any:
    """The one detail of a kind."""
    for packed in status.details:
        found = kind()
        if packed.Unpack(found):
            return found
    raise LookupError(kind.__name__)


def test_every_error_of_ours_has_a_status() -> None:
    homeless = {kind.__name__ for kind in every_subclass(DomainError) if family_of(kind) is None}
    assert not homeless


@pytest.mark.parametrize("kind", list(STATUS))
def test_every_family_tells_a_reason_a_chinese_text_and_the_request_id(
    kind: type[DomainError],
) -> None:
    status = to_status(kind(), request_id="req_1")
    assert status.code == status_code(kind()).value[0]
    info = detail(status, details.ErrorInfo)
    assert info.domain == "yrd" and info.metadata["request_id"] == "req_1"
    assert info.reason and info.reason.upper() == info.reason
    assert detail(status, details.LocalizedMessage).locale == "zh-CN"


@pytest.mark.parametrize(
    "kind", [errors.Overloaded, errors.RegionUnavailable, errors.StorageUnavailable]
)
def test_what_may_pass_says_when_to_come_back(kind: type[DomainError]) -> None:
    delay = detail(to_status(kind(), request_id="r"), details.RetryInfo).retry_delay
    assert delay.seconds * 1000 + delay.nanos // 1_000_000 == getattr(kind, "retry_after_ms", 0)


def test_what_will_not_pass_gives_no_hope_of_a_retry() -> None:
    with pytest.raises(LookupError):
        detail(to_status(errors.Malformed(), request_id="r"), details.RetryInfo)


def test_violations_carry_the_callers_own_field_names() -> None:
    error = errors.Malformed(
        violations=(Violation("bill.lines[3].unit_price", "TOO_MANY_DECIMALS", "小数位数过多"),)
    )
    bad = detail(to_status(error, request_id="r"), details.BadRequest).field_violations[0]
    assert bad.field == "visit.lines[3].unit_price_yuan"
    assert (bad.reason, bad.description) == ("TOO_MANY_DECIMALS", "小数位数过多")


def test_two_hundred_violations_still_fit_a_trailer() -> None:
    many = tuple(
        Violation(f"visit.lines[{i}].quantity", "FORMAT", "须为普通十进制数字,请修改。" * 3)
        for i in range(200)
    )
    status = to_status(errors.Malformed(violations=many), request_id="r")
    assert status.ByteSize() < 5_000
    shown = len(detail(status, details.BadRequest).field_violations)
    assert 10 < shown < 200
    assert detail(status, details.ErrorInfo).metadata["violations"] == "200"


@pytest.mark.parametrize(
    "error", [errors.InvariantViolated("003118195203158882 has 500 fen"), KeyError("secret")]
)
def test_what_broke_inside_is_told_as_a_correlation_id_only(error: Exception) -> None:
    status = to_status(error, request_id="req_7")
    assert status.code == grpc.StatusCode.INTERNAL.value[0]
    raw = status.SerializeToString()
    assert b"req_7" in raw
    assert b"secret" not in raw and b"500" not in raw and b"0031" not in raw


def test_no_identity_number_leaves_in_any_text_of_a_status() -> None:
    number = "003118195203158882"
    error = errors.Refused(
        f"person {number}", text_zh=f"号码{number}", metadata={"who": number},
        violations=(Violation("patient", "X", number),),
    )  # fmt: skip
    raw = to_status(error, request_id="r").SerializeToString()
    assert number.encode() not in raw and b"[REDACTED:id_number]" in raw


def test_a_chinese_text_is_sent_once_and_not_as_a_percent_encoded_header() -> None:
    assert to_status(errors.NotFound(), request_id="r").message == "NOT_FOUND"


def test_the_developers_message_keeps_the_reason_of_a_personal_field() -> None:
    found = Findings()
    found.add("patient.id_number", "CHECK_DIGIT", "身份号码的校验码不符,请逐位核对。")
    with pytest.raises(errors.Malformed) as refused:
        found.refuse()
    message = to_status(refused.value, request_id="req_1").message
    assert "patient.id_number CHECK_DIGIT" in message and "REDACTED" not in message
