"""透明日志 and its witnesses: heads, proofs, leaves, and what others signed of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ledger.cosignature import Cosignature


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """One signed tree head."""

    note: str
    tree_size: int
    root_hash: bytes
    vkey: str
    signed_at: datetime
    witnessed: bool = True
    """As many witnesses have cosigned as this gateway asks for."""
    in_force: bool = True
    """Signed under the key in force, and not by a log that was closed since."""


@dataclass(frozen=True, slots=True)
class Signing:
    """Whether checkpoints are signed at present."""

    refused: str = ""
    """Why not (LOG_KEY_OUT_OF_DATE, LOG_CLOSED); empty while they are."""
    key_until: datetime | None = None
    """The key's last moment; None is open."""


class Log(Protocol):
    """The transparency log of our own database."""

    async def checkpoint(self, tree_size: int = 0) -> CheckpointView | None:
        """The newest one (0), or the one of exactly this size; None if there is none."""

    async def covering(self, leaf_index: int) -> CheckpointView | None:
        """The smallest signed checkpoint that covers the leaf; None until it is signed."""

    async def publish(self) -> int | None:
        """Sign a checkpoint if the log grew; answers its size, or None. Serialised in here."""

    async def inclusion_proof(self, leaf_index: int, tree_size: int) -> tuple[bytes, ...]: ...

    async def consistency_proof(self, first: int, second: int) -> tuple[bytes, ...]: ...

    async def leaves(self, start: int, limit: int) -> tuple[bytes, ...]: ...

    async def size(self) -> int: ...

    async def opening(self, leaf_index: int) -> tuple[bytes, bytes] | None:
        """(salt, canonical body) of a leaf; None where it was erased."""

    def signing(self) -> Signing:
        """Whether checkpoints are signed at present; settling goes on either way."""

    async def health(self) -> None:
        """Commit nothing, read the head and the last checkpoint; raises StorageUnavailable."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The witness answered with signature lines; not verified yet."""

    lines: str


@dataclass(frozen=True, slots=True)
class SizeDiffers:
    """The last checkpoint that the witness cosigned is of another size, or its root differs."""

    size: int


@dataclass(frozen=True, slots=True)
class WitnessRefused:
    """The witness will not cosign this."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class WitnessSilent:
    """No answer, or none that could be read."""

    cause: str


WitnessAnswer = Cosigned | SizeDiffers | WitnessRefused | WitnessSilent


class Witness(Protocol):
    """One witness of our log. Does not raise for what the witness or the network did."""

    @property
    def name(self) -> str:
        """As the settings call it."""

    @property
    def vkey(self) -> str:
        """Its public key (type 0x04 or 0x06)."""

    async def add_checkpoint(
        self, old_size: int, proof: tuple[bytes, ...], note: str
    ) -> WitnessAnswer:
        """Ask it to cosign; `proof` shows consistency from `old_size` (empty for 0)."""


class Cosignatures(Protocol):
    """What witnesses have cosigned of our log."""

    async def checkpoint(self, tree_size: int = 0) -> CheckpointView | None: ...

    async def consistency_proof(self, first: int, second: int) -> tuple[bytes, ...]: ...

    async def last_cosigned(self, vkey: str) -> int:
        """The largest size that this witness has cosigned; 0 if none is known."""

    async def add_cosignatures(self, tree_size: int, given: tuple[Cosignature, ...]) -> int:
        """Keep verified cosignatures of this checkpoint; answers how many are new."""
