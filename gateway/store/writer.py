"""The one writer: many callers' transactions, one commit (group commit).

A thread with its own connection takes everything that waits, runs each caller's work inside a
savepoint, commits once, and only then answers. The previous commit is the batching window: nobody
lingers for a timer. Those who were just answered are heard before the next batch is taken: else
the first to call again would have a commit, and an fsync, for itself. A work that writes only
through what all of them share needs no savepoint, and what it will ask for is read ahead with what
the others will. Knows nothing of claims or ledgers. Design: ledger.md §3.1–3.2.

    submit ──▶ queue (bounded) ──▶ BEGIN · read ahead · (SAVEPOINT work RELEASE)* · flush · COMMIT
           ◀── answers ─────────────────────────────────────────────────────────────────────┘
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.domain.errors import Overloaded, StorageUnavailable
from gateway.store.errors import in_our_terms

BATCH_MAX = 512
"""Most works in one commit."""
QUEUE_MAX = 4_096
"""Most works waiting; beyond it callers are told that we are full."""
HEARD_S = 0.05
"""Longest wait for a loop to pass on its answers: one that is stuck holds up nobody else."""

_log = structlog.get_logger("yrd.store")


class Unit(Protocol):
    """What a work is given: a view of the open transaction."""

    def committed(self) -> None:
        """Called once after the commit that holds this unit; never after a rollback."""


U = TypeVar("U", bound=Unit)
T = TypeVar("T")


class Shared(Protocol[U]):
    """What the works of one transaction have in common."""

    def read_ahead(self, wishes: list[Any]) -> None:
        """Fetch at once what works have said they will ask for."""

    def direct(self) -> Any:
        """What a direct work is given."""

    def unit(self) -> U:
        """For the next work."""

    def accept(self, unit: U) -> None:
        """Its work has succeeded."""

    def flush(self) -> None:
        """Before the commit; what it raises fails the whole batch."""


@dataclass(frozen=True, slots=True)
class Apart(Generic[U]):
    """Works that have nothing in common but their transaction."""

    connection: Connection
    make: Callable[[Connection], U]

    def read_ahead(self, wishes: list[Any]) -> None:
        """Nothing is kept that could be read ahead."""

    def direct(self) -> Any:
        return self.connection

    def unit(self) -> U:
        return self.make(self.connection)

    def accept(self, unit: U) -> None:
        """Nothing to keep."""

    def flush(self) -> None:
        """Nothing to write."""


@dataclass(slots=True, eq=False)
class _Job(Generic[U]):
    work: Callable[[Any], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    direct: bool = False
    wishes: Any = None
    unit: U | None = None
    result: Any = None
    error: Exception | None = None


class GroupWriter(Generic[U]):
    """Starts its thread at once; `close` drains it."""

    def __init__(
        self,
        engine: Engine,
        unit: Callable[[Connection], U] | None = None,
        *,
        shared: Callable[[Connection], Shared[U]] | None = None,
        queue_max: int = QUEUE_MAX,
        batch_max: int = BATCH_MAX,
        heard_s: float = HEARD_S,
    ) -> None:
        """Either makes a `unit` for each work, or what the works of a transaction share."""
        self._engine = engine
        if shared is not None:
            self._shared = shared
        elif unit is not None:
            make = unit
            self._shared = lambda connection: Apart(connection, make)
        else:
            raise ValueError("a writer needs to know what to give its works")
        self._queue_max = queue_max
        self._batch_max = batch_max
        self._heard_s = heard_s
        self._queue: deque[_Job[U]] = deque()
        self._ready = threading.Condition()
        self._closing = False
        self._answered: list[threading.Event] = []
        """Set when a loop has let those it answered call again."""
        self._connection: Connection | None = None
        self.commits = 0
        """Commits so far, for metrics and tests."""
        self.works = 0
        """Works so far, failed ones included."""
        self._thread = threading.Thread(target=self._run, name="yrd-writer", daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[U], T], *, urgent: bool = False) -> T:
        """Run `work` in a shared transaction; returns after its commit.

        A caller that is cancelled while waiting does not stop its work: what ran is committed.
        What is `urgent` is in the next commit, however many wait; for the few who come seldom and
        whom a crowd must not starve. Raises what `work` raised, Overloaded, or StorageUnavailable.
        """
        loop = asyncio.get_running_loop()
        result: T = await self._enqueue(_Job(work, loop, loop.create_future()), urgent=urgent)
        return result

    async def submit_direct(self, work: Callable[[Any], T], *, wishes: Any = None) -> T:
        """The same for a work that writes nothing but through what is shared, and that has changed
        nothing there when it raises. `wishes` say what it will ask for."""
        loop = asyncio.get_running_loop()
        job: _Job[U] = _Job(work, loop, loop.create_future(), direct=True, wishes=wishes)
        result: T = await self._enqueue(job)
        return result

    def _enqueue(self, job: _Job[U], *, urgent: bool = False) -> asyncio.Future[Any]:
        with self._ready:
            if self._closing:
                raise StorageUnavailable("the store is closed")
            if len(self._queue) >= self._queue_max and not urgent:
                raise Overloaded(f"{self._queue_max} writes are waiting")
            if urgent:
                self._queue.appendleft(job)
            else:
                self._queue.append(job)
            self._ready.notify()
        return job.future

    def close(self) -> None:
        """Take no more, finish what waits, end the thread. Blocks; may be called twice."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        batch: list[_Job[U]] = []
        try:
            while batch := self._take():
                self._process(batch)
        finally:
            # Normally nothing is left. If this thread dies, nobody may wait for ever.
            with self._ready:
                self._closing = True
                left = [*batch, *self._queue]
                self._queue.clear()
            for job in left:
                job.error = StorageUnavailable("the writer has ended")
            self._deliver(left)
            self._drop_connection()

    def _take(self) -> list[_Job[U]]:
        """Everything that waits, up to a batch; empty only when closing and drained."""
        for heard in self._answered:
            heard.wait(self._heard_s)
        self._answered.clear()
        with self._ready:
            while not self._queue and not self._closing:
                self._ready.wait()
            count = min(len(self._queue), self._batch_max)
            return [self._queue.popleft() for _ in range(count)]

    def _process(self, batch: list[_Job[U]]) -> None:
        self.works += len(batch)
        try:
            self._transact(batch)
        except Exception as error:  # whatever broke: nothing is on disk, no one is told yes
            _log.error("commit_failed", error_type=type(error).__name__, count=len(batch))
            self._drop_connection()
            for job in batch:
                job.unit = None
                job.error = StorageUnavailable("the transaction could not be committed")
                job.error.__cause__ = error
        else:
            self.commits += 1
            for job in batch:
                if job.unit is not None:
                    job.unit.committed()
        self._deliver(batch)

    def _transact(self, batch: list[_Job[U]]) -> None:
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            # The driver's own cursor: two statements a work are the price of separate fates.
            savepoint = self._connection.connection.cursor()
            shared = self._shared(self._connection)
            wishes = [job.wishes for job in batch if job.wishes is not None]
            if wishes:
                shared.read_ahead(wishes)
            direct = False
            for job in batch:
                if job.direct:
                    self._run_direct(shared.direct(), job)
                else:
                    if direct:  # else this savepoint could be a transaction, and commit alone
                        _refuse_ended(self._connection)
                    self._run_one(shared, savepoint.execute, job)
                direct = job.direct
            savepoint.close()
            # SQLite rolls back by itself where a disk fails, and PostgreSQL answers COMMIT with a
            # rollback where a statement has failed: neither says so of its own accord.
            _refuse_ended(self._connection)
            shared.flush()
            _refuse_ended(self._connection)

    def _run_direct(self, given: Any, job: _Job[U]) -> None:
        """Without a savepoint, what the database cannot do ends the transaction for everyone."""
        try:
            job.result = job.work(given)
        except (DBAPIError, MemoryError):
            raise
        except Exception as error:  # it belongs to the caller of this work, who gets it
            job.error = in_our_terms(error)

    def _run_one(self, shared: Shared[U], execute: Callable[[str], Any], job: _Job[U]) -> None:
        """A work that raises loses its own changes only. If the database has thrown away the whole
        transaction (disk full), the savepoint is gone and the next statement says so."""
        execute("SAVEPOINT work")
        unit = shared.unit()
        try:
            job.result = job.work(unit)
        except Exception as error:  # it belongs to the caller of this work, who gets it
            execute("ROLLBACK TO SAVEPOINT work")
            execute("RELEASE SAVEPOINT work")
            job.error = in_our_terms(error)
        else:
            execute("RELEASE SAVEPOINT work")
            shared.accept(unit)
            job.unit = unit

    def _deliver(self, jobs: list[_Job[U]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Job[U]]] = defaultdict(list)
        for job in jobs:
            by_loop[job.loop].append(job)
        for loop, theirs in by_loop.items():
            heard = threading.Event()
            try:
                loop.call_soon_threadsafe(_resolve, theirs, heard)
            except RuntimeError:  # that loop has ended and nobody can hear the answer
                _log.warning("callers_gone", count=len(theirs))
            else:
                if len(theirs) > 1:  # one alone shares its next commit with nobody
                    self._answered.append(heard)

    def _drop_connection(self) -> None:
        """The next batch opens a fresh one: whatever this one held is rolled back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _refuse_ended(connection: Connection) -> None:
    """Raises StorageUnavailable unless the transaction is open and sound. Asks nobody."""
    driver: Any = connection.connection.driver_connection
    status = getattr(getattr(driver, "info", None), "transaction_status", None)
    # PostgreSQL's 2 is INTRANS: a transaction, and no statement of it has failed.
    sound = driver.in_transaction if status is None else status == 2
    if not sound:
        raise StorageUnavailable("the transaction has ended before its commit")


def _resolve(jobs: list[_Job[U]], heard: threading.Event) -> None:
    for job in jobs:
        if job.future.done():  # cancelled while waiting
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
    # A loop calls in order: whoever waits for one of these futures goes on before this.
    asyncio.get_running_loop().call_soon(heard.set)
