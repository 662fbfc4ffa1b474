"""Three platforms that are witnesses, a store whose log they watch, and a logger that remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.sandbox import Sandbox
from adapters.witness import HttpWitness
from gateway.store.cosigned_log import CosignedLog
from gateway.store.open_store import OpenStore
from gateway.store.tile_mirror import TileMirror
from gateway.workers.ask_witnesses import AskWitnesses
from ledger.checkpoint import NoteVerifier
from ledger.cosignature import CosignatureVerifier
from ledger.policy import KeyDates, Log, Policy, Witness
from tests.integration.store.house import Intent, StandingClock, prepare
from tests.stand_in_secrets import platform_secrets

POLICIES = Path(__file__).parents[3] / "gateway" / "policies"
PROVINCES = ("shanghai", "jiangsu", "zhejiang")


@dataclass
class Heard:
    """A logger that remembers."""

    lines: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, **fields: Any) -> None:
        self.lines.append(("error", event, fields))

    def said(self, level: str) -> list[str]:
        return [event for kind, event, _ in self.lines if kind == level]


@dataclass
class Town:
    """Three platforms that are witnesses, and how a log asks them."""

    directory: Path
    vkey: str
    sandboxes: dict[str, Sandbox]
    witnesses: list[HttpWitness]
    heard: Heard = field(default_factory=Heard)

    @property
    def vkeys(self) -> list[str]:
        return [witness.vkey for witness in self.witnesses]

    def log(self, house: OpenStore, quorum: int = 2) -> CosignedLog:
        return CosignedLog(
            log=house.log,
            writer=house.store.writer,
            snapshots=house.store.snapshots,
            clock=StandingClock(),
            witnesses=self.vkeys,
            quorum=quorum,
        )

    def asking(self, house: OpenStore, dates: KeyDates | None = None) -> AskWitnesses:
        return AskWitnesses(
            log=self.log(house),
            witnesses=self.witnesses,
            dates={self.vkeys[0]: dates} if dates else {},
            logger=self.heard,
        )

    def mirror(self, house: OpenStore, quorum: int = 2) -> TileMirror:
        return TileMirror(
            house.store.snapshots.engine,
            self.directory / "log",
            entries=self.directory / "log-entries",
            witnesses=self.vkeys,
            quorum=quorum,
        )

    def policy(self, quorum: int = 3) -> Policy:
        keys = [CosignatureVerifier.from_vkey(vkey) for vkey in self.vkeys]
        witnesses = [Witness(name, key) for name, key in zip(PROVINCES, keys, strict=True)]
        return Policy.k_of(quorum, witnesses, [Log(NoteVerifier.from_vkey(self.vkey))])


@asynccontextmanager
async def town(directory: Path) -> AsyncIterator[Town]:
    vkey = prepare(directory)
    made = Town(directory, vkey, {}, [])
    async with AsyncExitStack() as stack:
        clock = StandingClock()
        for name in PROVINCES:
            sandbox = made.sandboxes[name] = Sandbox(
                province=name,
                state_dir=directory / "sandbox",
                policies_dir=POLICIES,
                secrets=platform_secrets(name),
                clock=clock.now,
                witness_logs=[vkey],
            )
            url = await sandbox.start()
            stack.push_async_callback(sandbox.stop)
            assert sandbox.witness is not None
            witness = HttpWitness(
                name=name,
                vkey=sandbox.witness.vkey,
                url=f"{url}/witness",
                timeout_s=10,
                monotonic=clock.monotonic,
            )
            stack.push_async_callback(witness.close)
            made.witnesses.append(witness)
        yield made


async def grow(house: OpenStore, *names: str) -> int | None:
    """Write these claims and sign; answers the size."""
    for name in names:
        await house.store.write(Intent(name))
    return await house.log.publish()
