"""客户端: one caller's connection to a gateway over mTLS, as a hospital's system would hold it.

The client certificate says who is calling. A call whose answer was lost is repeated under the same
request_id, never under another: the gateway then answers the claim's current state. A gateway that
restarts is waited for, one that is gone is not: GATEWAY_LOST, and the caller goes on later.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import grpc
from cryptography import x509

from gateway.counter.failure import Failure, read_failure
from yrd.audit.v1 import audit_pb2, audit_pb2_grpc
from yrd.claim.v1 import claim_pb2, claim_pb2_grpc

SETTLE = "/yrd.claim.v1.ClaimService/SettleClaim"
TIMEOUT_S = 30
CONNECT_S = 5
"""Longest wait for the first connection."""
RECONNECT_S = 10.0
"""Longest wait for a connection that was cut: a gateway that restarts is back by then."""
BACKOFF_MS = (200, 1_000)
"""First and longest pause between two attempts to connect."""
TRIES = 3
"""How often one call is sent while its answer is lost on the way."""
MESSAGE_MAX = 8 * 1024 * 1024
"""Bytes of the largest answer taken (a receipt of a long stay)."""

UNREACHABLE = "GATEWAY_UNREACHABLE"
"""Nothing listens at the address: the same for every caller."""
LOST = "GATEWAY_LOST"
"""The connection was cut after something was sent, and did not come back."""
NOT_SENT = frozenset({
    "CERTIFICATE_MISSING", "CERTIFICATE_UNREADABLE", "CERTIFICATE_EXPIRED",
    "CERTIFICATE_NOT_YET_VALID", "TLS_NOT_ESTABLISHED", UNREACHABLE,
})  # fmt: skip
"""Reasons of this side, found before the first call."""

T = TypeVar("T")


class CallFailed(Exception):
    """The gateway answered with an error, or did not answer; `failure` says which."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.status} {failure.reason}")
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Credentials:
    """PEM files of one caller."""

    ca: Path
    certificate: Path
    key: Path

    @classmethod
    def of(cls, directory: Path, name: str) -> Credentials:
        """`ca.pem`, `NAME.pem` and `NAME.key` of a directory."""
        return cls(directory / "ca.pem", directory / f"{name}.pem", directory / f"{name}.key")

    def missing(self) -> list[Path]:
        """Files that are not there."""
        return [path for path in (self.ca, self.certificate, self.key) if not path.is_file()]

    def unfit(self, now: datetime) -> Failure | None:
        """Why these files cannot name the caller at `now` (aware), or None.

        TLS refuses such a caller without a word; only here can it be told what is wrong.
        """
        gone = self.missing()
        if gone:
            names = "、".join(map(str, gone))
            text = f"找不到本机构的证书或私钥:{names}"
            return Failure("UNAUTHENTICATED", "CERTIFICATE_MISSING", text)
        try:
            found = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        except ValueError:
            text = f"{self.certificate} 不是 PEM 证书。"
            return Failure("UNAUTHENTICATED", "CERTIFICATE_UNREADABLE", text)
        if now > found.not_valid_after_utc:
            text = f"证书 {self.certificate} 已于 {found.not_valid_after_utc:%Y-%m-%d} 到期,未提交;"
            text += "请向发证机构换发。"
            return Failure("UNAUTHENTICATED", "CERTIFICATE_EXPIRED", text)
        if now < found.not_valid_before_utc:
            text = f"证书 {self.certificate} 自 {found.not_valid_before_utc:%Y-%m-%d} 起才有效,"
            text += "未提交;请核对本机时钟。"
            return Failure("UNAUTHENTICATED", "CERTIFICATE_NOT_YET_VALID", text)
        return None


@dataclass(frozen=True, slots=True)
class Settled:
    """An answered SettleClaim: the claim and the exact bytes it came in."""

    claim: claim_pb2.Claim
    raw: bytes


class Counter:
    """A connection of one caller; use as a context manager."""

    def __init__(
        self, address: str, credentials: Credentials, *, reconnect_s: float = RECONNECT_S
    ) -> None:
        channel_credentials = grpc.ssl_channel_credentials(
            root_certificates=credentials.ca.read_bytes(),
            private_key=credentials.key.read_bytes(),
            certificate_chain=credentials.certificate.read_bytes(),
        )
        self._address, self._reconnect_s = address, reconnect_s
        first, longest = BACKOFF_MS
        options = (
            ("grpc.max_receive_message_length", MESSAGE_MAX),
            ("grpc.initial_reconnect_backoff_ms", first),
            ("grpc.min_reconnect_backoff_ms", first),
            ("grpc.max_reconnect_backoff_ms", longest),
        )
        self._channel = grpc.secure_channel(address, channel_credentials, options=options)
        self._claims = claim_pb2_grpc.ClaimServiceStub(self._channel)
        self._audit = audit_pb2_grpc.AuditServiceStub(self._channel)
        # Raw bytes, so that "byte-identical" is said of what was on the wire.
        self._settle: grpc.UnaryUnaryMultiCallable[claim_pb2.SettleClaimRequest, bytes] = (
            self._channel.unary_unary(
                SETTLE,
                request_serializer=claim_pb2.SettleClaimRequest.SerializeToString,
                response_deserializer=bytes,
            )
        )

    def __enter__(self) -> Counter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._channel.close()

    @property
    def channel(self) -> grpc.Channel:
        return self._channel

    def unreachable(self) -> Failure | None:
        """Why no connection came about within CONNECT_S, or None. Nothing was sent."""
        silent = _nobody_listens(self._address)
        if silent:
            text = f"连不上网关 {self._address}({silent}),未提交;请确认网关已启动、地址正确。"
            return Failure("UNAVAILABLE", UNREACHABLE, text)
        if self._connected(CONNECT_S):
            return None
        text = f"{CONNECT_S} 秒内未能与网关 {self._address} 建立安全连接,未提交;"
        text += "请确认地址正确,证书由对方信任的机构签发且在有效期内。"
        return Failure("UNAVAILABLE", "TLS_NOT_ESTABLISHED", text)

    def _connected(self, patience_s: float) -> bool:
        try:
            grpc.channel_ready_future(self._channel).result(timeout=patience_s)
        except grpc.FutureTimeoutError:
            return False
        return True

    def settle(self, request: claim_pb2.SettleClaimRequest) -> Settled:
        """Raises CallFailed; unless its failure is `undecided`, nothing was sent to a region."""
        raw: bytes = self._call(lambda: self._settle(request, timeout=TIMEOUT_S))
        return Settled(claim_pb2.SettleClaimResponse.FromString(raw).claim, raw)

    def predetermine(
        self, request: claim_pb2.PredetermineClaimRequest
    ) -> claim_pb2.PredetermineClaimResponse:
        return self._call(lambda: self._claims.PredetermineClaim(request, timeout=TIMEOUT_S))

    def reverse(self, request: claim_pb2.ReverseClaimRequest) -> claim_pb2.Claim:
        return self._call(lambda: self._claims.ReverseClaim(request, timeout=TIMEOUT_S)).claim

    def get(self, claim_id: str) -> claim_pb2.Claim:
        request = claim_pb2.GetClaimRequest(claim_id=claim_id)
        return self._call(lambda: self._claims.GetClaim(request, timeout=TIMEOUT_S)).claim

    def count(self) -> int:
        """How many claims the caller has."""
        request = claim_pb2.ListClaimsRequest(page_size=500)
        found = 0
        while True:
            page = self._call(partial(self._claims.ListClaims, request, timeout=TIMEOUT_S))
            found += len(page.claims)
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    def receipt(self, claim_id: str) -> audit_pb2.GetReceiptResponse:
        """Waits for the checkpoint that covers it."""
        request = audit_pb2.GetReceiptRequest(claim_id=claim_id, wait_for_checkpoint=True)
        return self._call(lambda: self._audit.GetReceipt(request, timeout=TIMEOUT_S))

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Hashes that prove the older tree to be the beginning of the newer one."""
        request = audit_pb2.GetConsistencyProofRequest(first_size=first, second_size=second)
        answer = self._call(lambda: self._audit.GetConsistencyProof(request, timeout=TIMEOUT_S))
        return tuple(answer.hashes)

    def checkpoint(self) -> audit_pb2.GetCheckpointResponse:
        request = audit_pb2.GetCheckpointRequest()
        return self._call(lambda: self._audit.GetCheckpoint(request, timeout=TIMEOUT_S))

    def _call(self, send: Callable[[], T]) -> T:
        """Send, and send the very same again while the answer is lost on the way."""
        for attempt in range(1, TRIES + 1):
            try:
                return send()
            except grpc.RpcError as error:
                failure = read_failure(error)
                if not failure.undecided or attempt == TRIES:
                    raise CallFailed(failure) from error
                if not self._connected(self._reconnect_s):
                    raise CallFailed(self._lost()) from error
        raise CallFailed(Failure("UNKNOWN", "UNKNOWN", "未得到答复。", undecided=True))

    def _lost(self) -> Failure:
        text = f"与网关 {self._address} 的连接中断,{self._reconnect_s:g} 秒内未恢复。"
        return Failure("UNAVAILABLE", LOST, text, undecided=True)


def _nobody_listens(address: str) -> str:
    """Why nothing accepts a connection at HOST:PORT, or "". Other forms are gRPC's to judge."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return ""
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S):
            return ""
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
