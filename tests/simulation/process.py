"""One life of a gateway process: the real journeys and workers over the real SQLite store.

Every call of the store or of a region is a gate: there the process may die (all its tasks are
abandoned and never do anything again) or be overtaken by another task. The store itself runs on a
thread of its own, one operation at a time, so that a seed repeats.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from gateway.catalogue_files import load_catalogues
from gateway.domain.errors import Overloaded, StorageUnavailable
from gateway.domain.visit import Institution
from gateway.ids import SystemIds
from gateway.journeys.assess_bill import AssessBill
from gateway.journeys.laps import unobserved
from gateway.journeys.read_again import ReadAgain
from gateway.journeys.reconcile_unknown import ReconcileUnknown
from gateway.journeys.resolve_unknown import ResolveTimings, ResolveUnknown
from gateway.journeys.reverse_claim import ReverseClaim
from gateway.journeys.settle_claim import SettleClaim
from gateway.journeys.statement_span import StatementRules
from gateway.journeys.take_back import TakeBack
from gateway.journeys.tell_visited import TellVisited
from gateway.journeys.undo_admission import UndoAdmission
from gateway.policy_files import load_policy_book
from gateway.ports import Books, BooksReader, ClaimEncoder, Ids
from gateway.rpc.convert.claims import encode_claim
from gateway.store.open_store import OpenStore, StoreOptions, open_store
from gateway.store.unit_of_work import Snapshot
from gateway.workers.deliver_outbox import DeliverOutbox
from gateway.workers.reconcile_claims import ReconcileClaims
from gateway.workers.resolve_claims import ResolveClaims
from gateway.workers.rounds import Rounds
from tests.simulation.region import ScriptedRegion
from tests.simulation.virtual_time import SimClock, VirtualLoop, passes

T = TypeVar("T")
POLICIES, CATALOGUES = load_policy_book(), load_catalogues()
RULES = StatementRules(skew=timedelta(minutes=15))
"""Wide enough for a clock that is set wrong by minutes, twice, and a centre's that is wrong too."""
SLOWER = {"publish": 10, "reconcile": 4}
"""Rounds that need not be so frequent as the others."""


class StoreThread:
    """A loop on a thread: whoever calls waits, and nothing else happens meanwhile."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Weather:
    """What the world does to processes."""

    rng: random.Random
    dies_at: list[int] = field(default_factory=list)
    """Gates at which the process dies, counted over all its lives."""
    storage_trouble: float = 0.0
    """Share of operations that our own database refuses."""
    gates: int = 0


class Process:
    """Implements ports.Store and ports.MsgidSource for the journeys it holds."""

    def __init__(
        self,
        *,
        options: StoreOptions,
        thread: StoreThread,
        weather: Weather,
        clock: SimClock,
        ids: Ids,
        region: ScriptedRegion,
        institutions: dict[str, Institution],
        worker_pause_s: float,
        encode: ClaimEncoder = encode_claim,
    ) -> None:
        self._thread, self._weather = thread, weather
        self.died = asyncio.Event()
        self.troubles: list[str] = []
        self.opened: OpenStore = open_store(options, encode=encode, clock=clock, ids=ids)
        self.regions = regions = GatedRegions(self, region)
        assess = AssessBill(
            regions=regions, catalogues=CATALOGUES, policies=POLICIES, clock=clock, msgids=self
        )
        self.settle = SettleClaim(
            store=self, assess=assess, clock=clock, ids=ids, hasher=self.opened.hasher,
            encode=encode, resolve_after=timedelta(seconds=2), observe=unobserved,
            trouble=self._trouble,
        )  # fmt: skip
        self.reverse = ReverseClaim(
            store=self, regions=regions, clock=clock, ids=ids, hasher=self.opened.hasher,
            encode=encode, trouble=self._trouble,
        )  # fmt: skip
        timings = ResolveTimings(timedelta(seconds=2), timedelta(seconds=3), 60)
        self.resolve = resolve = ResolveUnknown(
            store=self, regions=regions, institutions=institutions, clock=clock, ids=ids,
            timings=timings,
        )  # fmt: skip
        tell = TellVisited(
            store=self, regions=regions, institutions=institutions, clock=clock, msgids=self
        )
        undo = UndoAdmission(store=self, regions=regions, institutions=institutions, clock=clock)
        self.reconcile = ReconcileUnknown(
            store=self, regions=regions, institutions=institutions, clock=clock, ids=ids,
            msgids=self, rules=RULES,
        )  # fmt: skip
        self.take_back = TakeBack(store=self, clock=clock, ids=ids)
        self.read_again = ReadAgain(store=self, regions=regions, clock=clock, ids=ids)
        self.reconcile_claims = ReconcileClaims(
            store=self, reconcile=self.reconcile, clock=clock, logger=Silent()
        )
        works: dict[str, Callable[[], Awaitable[int]]] = {
            "resolve": ResolveClaims(store=self, resolve=resolve, clock=clock, logger=Silent()),
            "outbox": DeliverOutbox(
                store=self, tell=tell, undo_admission=undo, clock=clock, logger=Silent()
            ),
            "reconcile": self.reconcile_claims,
            "publish": self._publish,
        }
        self._workers = [
            Rounds(name, work, pause_s=worker_pause_s * SLOWER.get(name, 1), logger=Silent())
            for name, work in works.items()
        ]

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    async def stop(self) -> None:
        for worker in self._workers:
            await worker.stop()

    async def gate(self) -> None:
        """Where it may die, or let others go first."""
        await passes(self._weather.rng.choice((0, 0, 0, 0.001, 0.02)))
        self._weather.gates += 1
        if self._weather.gates in self._weather.dies_at:
            self.died.set()
        if self.died.is_set():
            # Not an Exception: nothing catches it, as nothing catches a kill.
            raise asyncio.CancelledError

    async def write(self, work: Callable[[Books], T]) -> T:
        await self._storage()
        result = self._thread.run(self.opened.store.write(work))
        await self._storage(after=True)
        return result

    async def read(self, work: Callable[[BooksReader], T]) -> T:
        await self._storage()
        return self.look(work)

    def look(self, work: Callable[[BooksReader], T]) -> T:
        """As OpenStore.store.read does, but on this thread: most of a seed's time went into
        changing threads for workers that looked and found nothing."""
        store = self.opened.store
        with store.snapshots.engine.connect() as connection, connection.begin():
            snapshot = Snapshot(connection, store.tools)
            result = work(snapshot)
            snapshot.subjects.remember()
            return result

    async def take(self, institution: str, count: int) -> tuple[str, ...]:
        await self.gate()
        return self._thread.run(self.opened.msgids.take(institution, count))

    async def _publish(self) -> int:
        await self.gate()
        return self._thread.run(self.opened.log.publish()) or 0

    async def _storage(self, *, after: bool = False) -> None:
        await self.gate()
        if self._weather.rng.random() < self._weather.storage_trouble / (4 if after else 1):
            raise self._weather.rng.choice((StorageUnavailable, Overloaded))("simulated")

    def _trouble(self, where: str, claim_id: str, error: Exception) -> None:
        self.troubles.append(f"{where}: {error!r}")


class GatedRegions:
    """Implements ports.Regions: the one platform, seen from inside a process that may die."""

    def __init__(self, process: Process, region: ScriptedRegion) -> None:
        self._process, self._region = process, region

    def of(self, region: str) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._region, name)
        if not asyncio.iscoroutinefunction(method):
            return method

        async def gated(*arguments: Any) -> Any:
            await self._process.gate()
            answer = await method(*arguments)
            await self._process.gate()
            return answer

        return gated


class Silent:
    """Implements telemetry.Logger."""

    def info(self, event: str, **fields: Any) -> None:
        pass

    warning = error = info


OUTSIDE = "outside"
"""Name of the tasks that belong to no process: cashiers and watchers."""


class SimIds(SystemIds):
    """Ids and salts from the seed."""

    def __init__(self, rng: random.Random, clock: SimClock) -> None:
        super().__init__(clock.now)
        self._rng = rng

    def _make(self, prefix: str) -> str:
        return f"{prefix}_{self._rng.getrandbits(120):030X}"

    def salt(self) -> bytes:
        return self._rng.randbytes(32)


def run_virtually(story: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run a story to its end on a loop of its own."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(loop.create_task(story(loop), name=OUTSIDE))
    finally:
        loop.close()


async def together(*works: Coroutine[Any, Any, Any]) -> None:
    """Several cashiers at once."""
    await asyncio.gather(*(asyncio.create_task(work, name=OUTSIDE) for work in works))


async def bury(process: Process, thread: StoreThread) -> None:
    """End every task of a process that died."""
    process.died.set()
    left = [task for task in asyncio.all_tasks() if task.get_name() != OUTSIDE]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    thread.run(process.opened.close())
