"""The composition root of the process that owns the database: its store, journeys and workers.

Names every concrete class behind the RPC edge. Keyword injection throughout; nothing happens at
import.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from adapters.connection import Clocks, Connection
from adapters.registry import PROVINCES, ConnectedRegions, connect
from adapters.witness import HttpWitness
from gateway.agreement_files import load_agreements
from gateway.catalogue_files import load_catalogues
from gateway.clock import SystemClock
from gateway.config import Environment, Settings, witness_policy
from gateway.domain.errors import DomainError
from gateway.domain.visit import Institution
from gateway.ids import SystemIds
from gateway.journeys.assess_bill import AssessBill
from gateway.journeys.list_attention import ListAttention
from gateway.journeys.one_at_a_time import OneAtATime
from gateway.journeys.pace import Paces
from gateway.journeys.predetermine_claim import PredetermineClaim
from gateway.journeys.prove_entry import ProveEntry
from gateway.journeys.read_again import ReadAgain
from gateway.journeys.read_claims import ReadClaims
from gateway.journeys.reconcile_unknown import ReconcileUnknown
from gateway.journeys.resolve_unknown import ResolveTimings, ResolveUnknown
from gateway.journeys.reverse_claim import ReverseClaim
from gateway.journeys.settle_claim import SettleClaim
from gateway.journeys.take_back import TakeBack
from gateway.journeys.tell_visited import TellVisited
from gateway.journeys.undo_admission import UndoAdmission
from gateway.metrics.collect import Lookups, Sources
from gateway.metrics.metered import MeteredRegions, MeteredStore
from gateway.metrics.series import Series
from gateway.metrics.serve import MetricsServer
from gateway.policy_files import load_policy_book
from gateway.ports import Observe, Regions, RegionStatuses, Store
from gateway.region_connections import connections_of
from gateway.rpc.convert.claims import encode_claim
from gateway.rpc.server import Journeys
from gateway.sm2_log import load_sm2_log_key
from gateway.store.cosigned_log import CosignedLog
from gateway.store.expiries import Expiries
from gateway.store.lock import WriterLock
from gateway.store.open_store import OpenStore, StoreOptions, open_store
from gateway.store.tile_mirror import TileMirror
from gateway.telemetry import Logger
from gateway.watched_files import FileWatch
from gateway.workers.ask_witnesses import AskWitnesses
from gateway.workers.deliver_outbox import DeliverOutbox
from gateway.workers.expire_pending import ExpirePending
from gateway.workers.note_unknown_codes import NoteUnknownCodes
from gateway.workers.publish_checkpoint import PublishCheckpoint
from gateway.workers.reconcile_claims import ReconcileClaims
from gateway.workers.resolve_claims import MARKING, ResolveClaims, sending
from gateway.workers.rounds import Rounds

SHOW_S = 3.0
"""Longest wait at the end for witnesses and files; the next start makes up for it."""


class Owner:
    """What the process does that owns the database. open(), start(), stop(); each at most once."""

    def __init__(
        self,
        settings: Settings,
        *,
        institutions: dict[str, Institution],
        clock: SystemClock,
        logger: Logger,
        observe: Observe,
        files: FileWatch | None = None,
    ) -> None:
        """Reads what does not change, so that taking over is quick. Raises ConfigError.
        `files` watches what may: the regions' keys and certificates."""
        self._settings, self._logger, self._observe = settings, logger, observe
        self._clock, self._institutions = clock, institutions
        self._ids = SystemIds(clock.now)
        self._policies = load_policy_book()
        self._catalogues = load_catalogues()
        self._agreements = load_agreements(settings.agreements)
        self._files = files
        self._connections = connections_of(settings.regions, clock.now(), files)
        self._sm2_key = load_sm2_log_key(settings.log_sm2_key) if settings.log_sm2_key else None
        self._unknown = NoteUnknownCodes(logger=logger)
        self._opened: OpenStore | None = None
        self._regions: ConnectedRegions | None = None
        self._reversals: Paces | None = None
        self._metrics: MetricsServer | None = None
        self._witnesses: list[HttpWitness] = []
        self._showing: list[Callable[[], Awaitable[int]]] = []
        """What follows a signature: witnesses, then files; each once more at the end."""
        self._workers: list[Rounds] = []
        self._runs: list[OneAtATime] = []

    def open(self, lock: WriterLock | None) -> tuple[Journeys, CosignedLog]:
        """Open the store; what answers calls. `lock`: of a SQLite database, held until stop().

        Raises StoreRefused; the lock is then free again.
        """
        settings = self._settings
        self._opened = open_store(
            StoreOptions(
                database=settings.database,
                keys_dir=settings.keys_dir,
                log_origin=settings.log_origin,
                production=settings.environment is Environment.PRODUCTION,
                agreements=self._agreements,
                outside_checkpoint=settings.outside_checkpoint,
                also_sign=self._sm2_key.named if self._sm2_key else None,
            ),
            encode=encode_claim,
            clock=self._clock,
            ids=self._ids,
            lock=lock,
        )
        clocks = Clocks(now=self._clock.now, monotonic=self._clock.monotonic)
        self._regions = connect(self._with_codes(self._opened), clocks)
        log = self._make_log(self._opened)
        regions, store = self._measured(self._opened, log, self._regions)
        self._workers = self._make_workers(self._opened, store, log, regions)
        statuses = self._regions.statuses
        return self._make_journeys(self._opened, store, log, regions, statuses), log

    def _with_codes(self, opened: OpenStore) -> dict[str, Connection]:
        """The connections, each with what its region's own dictionaries say as loaded by now."""
        loaded = opened.dictionaries()
        self._unknown.write_with(opened.note_unknown)
        return {
            name: replace(
                self._connections[name], codes=loaded.of(code), tell_unknown=self._unknown.seen
            )
            for code, (name, _) in PROVINCES.items()
            if name in self._connections
        }

    async def start(self) -> None:
        """Begin what goes on without a caller."""
        for worker in self._workers:
            worker.start()
        if self._metrics is not None:
            await self._metrics.start()

    def _measured(
        self, opened: OpenStore, log: CosignedLog, regions: ConnectedRegions
    ) -> tuple[Regions, Store]:
        """What journeys and workers are handed: as it is, or counted where that is asked for."""
        if self._settings.metrics is None:
            return regions, opened.store
        writer, files = opened.store.writer, self._files
        series = Series()
        lookups = Lookups(
            Sources(
                store=opened.store,
                log=log,
                regions=regions.statuses,
                clock=self._clock,
                commits=lambda: (writer.commits, writer.works),
                unknown_codes=lambda: self._unknown.counts,
                unusable_files=lambda: len(files.troubles()) if files is not None else 0,
                reversal_rate=self._reversal_rate,
            )
        )
        series.registry.register(lookups)
        listen = self._settings.metrics.listen
        self._metrics = MetricsServer(listen, series.registry, lookups, logger=self._logger)
        return (
            MeteredRegions(regions, series, self._clock),
            MeteredStore(opened.store, series, self._clock),
        )

    def _reversal_rate(self, province: str) -> float:
        return self._reversals.of(province).rate_per_s if self._reversals is not None else 0.0

    async def stop(self) -> None:
        """After the last call: let runs end, stop the workers, sign what is left, close."""
        await self._drain()
        if self._metrics is not None:
            await self._metrics.stop()
        for worker in self._workers:
            await worker.stop()
        if self._opened is not None:
            await self._write_codes()
            await self._opened.log.publish()
            await self._show()
            await self._opened.close()
        for witness in self._witnesses:
            await witness.close()
        if self._regions is not None:
            await self._regions.close()

    def _report(self, where: str, claim_id: str, error: Exception) -> None:
        self._logger.error(
            "journey_failed_after_intent",
            step=where,
            claim_id=claim_id,
            error_type=type(error).__name__,
            exc_info=error,
        )

    async def _drain(self) -> None:
        """Runs that their callers left: give them the same patience as running calls."""
        waiting = asyncio.gather(*(run.drain() for run in self._runs))
        try:
            await asyncio.wait_for(waiting, timeout=self._settings.drain_ms / 1000)
        except TimeoutError:
            # Safe to leave: what they were about is on disk, and the worker goes on from there.
            self._logger.warning("drain_timed_out", count=len(self._runs))

    async def _write_codes(self) -> None:
        """What was counted since the last round; a list of ours does not keep us from ending."""
        try:
            await self._unknown()
        except DomainError as error:
            self._logger.warning("unknown_codes_not_written", error_type=type(error).__name__)

    async def _show(self) -> None:
        """What was signed last is cosigned and published too, if that takes no long wait."""
        try:
            async with asyncio.timeout(SHOW_S):
                for step in self._showing:
                    await step()
        except (TimeoutError, DomainError) as error:
            self._logger.warning("last_checkpoint_not_shown", error_type=type(error).__name__)

    def _make_log(self, opened: OpenStore) -> CosignedLog:
        """The log with its witnesses, and the steps that show it."""
        settings, snapshots = self._settings, opened.store.snapshots
        policy = witness_policy(settings)
        vkeys = [witness.key.vkey for witness in policy.witnesses]
        log = CosignedLog(
            log=opened.log,
            writer=opened.store.writer,
            snapshots=snapshots,
            clock=self._clock,
            witnesses=vkeys,
            quorum=settings.quorum,
        )
        self._witnesses = [
            HttpWitness(
                name=name,
                vkey=given.vkey,
                url=given.url,
                timeout_s=given.timeout_s,
                monotonic=self._clock.monotonic,
            )
            for name, given in settings.witnesses.items()
        ]
        dates = {witness.key.vkey: witness.dates for witness in policy.witnesses}
        asking = AskWitnesses(log=log, witnesses=self._witnesses, dates=dates, logger=self._logger)
        mirror = TileMirror(
            snapshots.engine,
            settings.tiles_dir,
            entries=settings.entries_dir,
            witnesses=vkeys,
            quorum=settings.quorum,
        )
        if self._witnesses:
            self._showing.append(asking)
        if settings.publish_tiles:
            self._showing.append(mirror)
        return log

    def _make_journeys(
        self,
        opened: OpenStore,
        store: Store,
        log: CosignedLog,
        regions: Regions,
        statuses: RegionStatuses,
    ) -> Journeys:
        clock, ids, hasher = self._clock, self._ids, opened.hasher
        assess = AssessBill(
            regions=regions,
            catalogues=self._catalogues,
            policies=self._policies,
            clock=clock,
            msgids=opened.msgids,
        )
        settle = SettleClaim(
            store=store,
            assess=assess,
            clock=clock,
            ids=ids,
            hasher=hasher,
            encode=encode_claim,
            observe=self._observe,
            trouble=self._report,
            resolve_after=timedelta(milliseconds=self._settings.resolve_after_ms),
        )
        reverse = ReverseClaim(
            store=store,
            regions=regions,
            clock=clock,
            ids=ids,
            hasher=hasher,
            encode=encode_claim,
            trouble=self._report,
        )
        self._runs = [settle.running, reverse.running]
        return Journeys(
            settle=settle,
            reverse=reverse,
            predetermine=PredetermineClaim(
                store=store,
                assess=assess,
                clock=clock,
                msgids=opened.msgids,
                trouble=self._report,
            ),
            read=ReadClaims(store=store),
            prove=ProveEntry(store=store, log=log, clock=clock),
            attend=ListAttention(store=store),
            regions=statuses,
            take_back=TakeBack(store=store, clock=clock, ids=ids),
            read_again=ReadAgain(store=store, regions=regions, clock=clock, ids=ids),
        )

    def _make_workers(
        self, opened: OpenStore, store: Store, log: CosignedLog, regions: Regions
    ) -> list[Rounds]:
        settings, clock, logger = self._settings, self._clock, self._logger
        reversals = self._reversals = Paces(regions=regions, clock=clock, limits=settings.reversals)
        pause_s = settings.worker_interval_ms / 1000
        expiring = ExpirePending(
            expiries=Expiries(opened.store, clock=clock, ids=self._ids), clock=clock, logger=logger
        )
        signing_s = settings.checkpoint_interval_ms / 1000
        publish = PublishCheckpoint(log=log)
        return [
            Rounds("publish_checkpoint", publish, pause_s=signing_s, logger=logger),
            *(Rounds("show_log", step, pause_s=signing_s, logger=logger) for step in self._showing),
            *(
                Rounds("resolve_claims", lane, pause_s=pause_s, logger=logger)
                for lane in self._resolving(store, regions, reversals)
            ),
            *(
                Rounds("deliver_outbox", lane, pause_s=pause_s, logger=logger)
                for lane in self._delivering(opened, store, regions, reversals)
            ),
            Rounds("expire_pending", expiring, pause_s=pause_s, logger=logger),
            Rounds("note_unknown_codes", self._unknown, pause_s=pause_s, logger=logger),
            self._reconciling(opened, store, regions),
        ]

    def _resolving(self, store: Store, regions: Regions, paces: Paces) -> list[ResolveClaims]:
        """What marks unknown claims, and for each province what sends its 2601s."""
        settings = self._settings
        resolve = ResolveUnknown(
            store=store,
            regions=regions,
            institutions=self._institutions,
            clock=self._clock,
            ids=self._ids,
            timings=ResolveTimings(
                resolve_after=timedelta(milliseconds=settings.resolve_after_ms),
                retry=timedelta(milliseconds=settings.reversal_retry_ms),
                attempts_max=settings.reversal_attempts_max,
            ),
            paces=paces,
        )
        return [
            ResolveClaims(
                store=store,
                resolve=resolve,
                clock=self._clock,
                logger=self._logger,
                lane=lane,
                pace=paces.of(lane.region) if lane.region else None,
            )
            for lane in (MARKING, *map(sending, sorted(settings.regions)))
        ]

    def _delivering(
        self, opened: OpenStore, store: Store, regions: Regions, reversals: Paces
    ) -> list[DeliverOutbox]:
        """For each province what tells it its news."""
        tell = TellVisited(
            store=store,
            regions=regions,
            institutions=self._institutions,
            clock=self._clock,
            msgids=opened.msgids,
        )
        undo = UndoAdmission(
            store=store,
            regions=regions,
            institutions=self._institutions,
            clock=self._clock,
            paces=reversals,
        )
        notices = Paces(regions=regions, clock=self._clock, limits=self._settings.notices)
        return [
            DeliverOutbox(
                store=store,
                tell=tell,
                undo_admission=undo,
                clock=self._clock,
                logger=self._logger,
                region=province,
                pace=notices.of(province),
            )
            for province in sorted(self._settings.regions)
        ]

    def _reconciling(self, opened: OpenStore, store: Store, regions: Regions) -> Rounds:
        """What asks for statements about the claims that wait for one."""
        reconcile = ReconcileUnknown(
            store=store,
            regions=regions,
            institutions=self._institutions,
            clock=self._clock,
            ids=self._ids,
            msgids=opened.msgids,
            rules=self._settings.reconciliation.rules(),
        )
        work = ReconcileClaims(
            store=store, reconcile=reconcile, clock=self._clock, logger=self._logger
        )
        pause_s = self._settings.reconciliation.interval_s
        return Rounds("reconcile_claims", work, pause_s=pause_s, logger=self._logger)
