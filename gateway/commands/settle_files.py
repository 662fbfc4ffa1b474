"""One file's way: read it, settle it as its own institution, fetch and check the receipt.

Once the gateway is gone nothing more is submitted: the files that wait are told so at once, and the
same command goes on later, because a file that was settled is then a replay.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.clock import SystemClock
from gateway.commands.connection import Reached
from gateway.counter import receipts, wording
from gateway.counter.client import LOST, RECONNECT_S, UNREACHABLE, CallFailed, Counter
from gateway.counter.failure import Failure
from gateway.counter.receipts import Proof
from gateway.hospital_files.claim_file import HospitalClaim, read_claim
from gateway.hospital_files.problem import FileProblem, HospitalFileRefused
from yrd.claim.v1 import claim_pb2

HELD_BACK = Failure(
    "UNAVAILABLE",
    UNREACHABLE,
    "与网关的连接已中断,未提交;网关恢复后重新运行同一命令即可继续,已结算的文件不会重复结算。",
)
"""Of a file whose turn came after the gateway was gone."""


@dataclass(slots=True, repr=False)
class FileResult:
    """What became of one file. Personal values inside: no repr."""

    path: Path
    hospital: HospitalClaim | None = None
    problems: tuple[FileProblem, ...] = ()
    claim: claim_pb2.Claim | None = None
    failure: Failure | None = None
    receipt: Path | None = None
    proof: Proof | None = None

    @property
    def settled(self) -> bool:
        return self.claim is not None and wording.state_name(self.claim) == "SETTLED"

    @property
    def places(self) -> list[str]:
        """JSON paths of the failure's violations, in order."""
        if self.failure is None or self.hospital is None:
            return []
        return [self.hospital.origin(v.field) for v in self.failure.violations]


@dataclass(slots=True)
class Settler:
    """Settles files against one gateway, each under its own institution's certificate."""

    gateway: Reached | None = None
    reconnect_s: float = RECONNECT_S
    gone: bool = False
    """The gateway could not be reached any more: set once, by whichever file found it out."""
    counters: dict[str, Counter | Failure] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stack: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def connect(self, gateway: Reached) -> Iterator[None]:
        """Hold connections to this gateway while the block runs."""
        self.gateway = gateway
        with self._stack:
            yield

    def read(self, path: Path) -> FileResult:
        """Parse one file; what is wrong with it is in the result."""
        result = FileResult(path)
        try:
            result.hospital = read_claim(path.read_bytes())
        except HospitalFileRefused as refused:
            result.problems = refused.problems
        except OSError as error:
            problem = FileProblem("$", "UNREADABLE", f"文件无法读取({error.strerror})。")
            result.problems = (problem,)
        return result

    def settle(self, result: FileResult) -> None:
        """Settle one readable file; an error status is in the result."""
        hospital, gateway = result.hospital, self.gateway
        if hospital is None or gateway is None:
            return
        if self.gone:
            result.failure = HELD_BACK
            return
        counter = self._counter(hospital.institution_code, gateway)
        if isinstance(counter, Failure):
            result.failure = self._noted(counter)
            return
        try:
            result.claim = counter.settle(hospital.request).claim
            self._prove(result, counter, gateway)
        except CallFailed as failed:
            result.failure = self._noted(failed.failure)

    def _noted(self, failure: Failure) -> Failure:
        self.gone = self.gone or failure.reason in (LOST, UNREACHABLE)
        return failure

    def _counter(self, institution: str, gateway: Reached) -> Counter | Failure:
        """The institution's connection, or why there is none: found out once, said of each file."""
        with self._lock:
            if institution not in self.counters:
                self.counters[institution] = self._connect(gateway, institution)
            return self.counters[institution]

    def _connect(self, gateway: Reached, institution: str) -> Counter | Failure:
        credentials = gateway.credentials(institution)
        unfit = credentials.unfit(SystemClock().now())
        if unfit is not None:
            return unfit
        counter = self._stack.enter_context(
            Counter(gateway.address, credentials, reconnect_s=self.reconnect_s)
        )
        return counter.unreachable() or counter

    def _prove(self, result: FileResult, counter: Counter, gateway: Reached) -> None:
        """The receipt of the newest entry; without one the settlement stands all the same."""
        claim = result.claim
        if claim is None:
            return
        try:
            receipt = counter.receipt(claim.claim_id).receipt
        except CallFailed as failed:
            result.proof = Proof(False, f"回执暂未取得:{self._noted(failed.failure).text_zh}")
            return
        result.receipt = receipts.keep(gateway.receipts, claim.claim_id, receipt)
        if gateway.vkey:
            result.proof = receipts.check(receipt, gateway.vkey, claim.claim_id)
        else:
            result.proof = Proof(False, "已取回执,未核验:请用 --key 给出日志公钥。")
