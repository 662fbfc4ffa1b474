"""见证人客户端: asks a witness over HTTP to cosign a checkpoint (C2SP tlog-witness, client side).

Implements ports.Witness over a Transport of its own. Says what was answered and believes nothing:
signatures are verified by whoever asked. The same question twice is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType

from adapters.outcome import Delivered
from adapters.transport import Call, Limits, Transport
from gateway.ports import (
    Cosigned,
    SizeDiffers,
    WitnessAnswer,
    WitnessRefused,
    WitnessSilent,
)
from ledger.note import b64

PATH = "/add-checkpoint"
PROOF_MAX = 63
"""Most consistency proof lines of a request."""
ANSWER_MAX = 64 * 1024
TEXT_MAX = 200
_HEADERS = MappingProxyType({"content-type": "text/plain; charset=utf-8"})
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n", re.ASCII)


class HttpWitness:
    """One witness. Close it once."""

    def __init__(
        self,
        *,
        name: str,
        vkey: str,
        url: str,
        timeout_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        """`url` is the witness's submission prefix."""
        self.name, self.vkey = name, vkey
        self._timeout_s = timeout_s
        self._transport = Transport(url, Limits(concurrency=2), monotonic)

    async def add_checkpoint(
        self, old_size: int, proof: tuple[bytes, ...], note: str
    ) -> WitnessAnswer:
        """Implements ports.Witness."""
        body = request_body(old_size, proof, note)
        outcome = await self._transport.send(
            Call(PATH, _HEADERS, body, self._timeout_s, repeatable=True)
        )
        if isinstance(outcome, Delivered):
            return _answer(outcome)
        return WitnessSilent(str(outcome.cause))

    async def close(self) -> None:
        await self._transport.close()


def request_body(old_size: int, proof: Sequence[bytes], note: str) -> bytes:
    """The request, byte for byte."""
    if len(proof) > PROOF_MAX:
        raise ValueError(f"a consistency proof has at most {PROOF_MAX} hashes")
    lines = [f"old {old_size}", *map(b64, proof)]
    return ("".join(f"{line}\n" for line in lines) + "\n" + note).encode()


def _answer(outcome: Delivered) -> WitnessAnswer:
    if len(outcome.body) > ANSWER_MAX:
        return WitnessSilent("oversized")
    if outcome.status == 200:
        try:
            return Cosigned(outcome.body.decode())
        except UnicodeDecodeError:
            return WitnessSilent("unreadable")
    size = _SIZE.fullmatch(outcome.body)
    if outcome.status == 409 and size is not None:
        return SizeDiffers(int(size[1]))
    text = outcome.body[:TEXT_MAX].decode("utf-8", "replace").strip()
    return WitnessRefused(outcome.status, text)
