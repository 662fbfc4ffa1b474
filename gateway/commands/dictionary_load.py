"""`yrd dictionary load`: ask a region for its dictionaries (1901) and take over what is new.

One dictionary, one question, one transaction: what was taken over before a line broke stays, and
the next run goes on from there. Opens the store as the one that writes it: on SQLite no gateway may
run meanwhile; on PostgreSQL they may, and see it when they start again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from adapters import registry
from adapters.baseline.dictionary_check import understood
from adapters.connection import Clocks
from gateway.clock import SystemClock
from gateway.config import Environment, Settings
from gateway.domain.dictionary import Change, DictionaryRow
from gateway.domain.errors import Refused
from gateway.domain.visit import Institution
from gateway.ids import SystemIds
from gateway.ports import (
    Accepted,
    Answer,
    CallContext,
    Declined,
    RegionGateway,
)
from gateway.region_connections import connection_of
from gateway.rpc.convert.claims import encode_claim
from gateway.store.dictionaries import loaded_days, take_over
from gateway.store.open_store import OpenStore, StoreOptions, open_store
from gateway.store.unit_of_work import UnitOfWork
from gateway.telemetry import Logger, configure


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line said."""

    code: str
    """First two digits of the province's area codes."""
    kinds: tuple[str, ...]
    day: date
    institution: Institution
    """In whose name the region is asked."""
    again: bool = False
    """Also what was loaded as of that day already."""
    withdraw: bool = False
    """Also take over that a code is gone which we send."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one dictionary."""

    kind: str
    change: Change | None = None
    """None: not taken over."""
    why_zh: str = ""
    known: bool = False
    """Was taken over before, as of this very day."""
    lost: bool = False
    """No answer at all: the rest was not asked."""


async def load(
    settings: Settings, wanted: Wanted, told: Callable[[Outcome], None], *, clock: SystemClock
) -> tuple[Outcome, ...]:
    """Ask for one after another; `told` of each. Raises StoreRefused and ConfigError."""
    # Where the gateway writes its log: what was loaded belongs beside what was settled by it.
    logger = configure(now=clock.now, path=settings.log_file)
    connection = connection_of(wanted.code, settings.regions[wanted.code], clock.now())
    name = registry.DECLARED[wanted.code]
    words = registry.book_of(name, connection.profile_file).at(wanted.day).dictionary
    opened = open_store(
        _options(settings), encode=encode_claim, clock=clock, ids=SystemIds(clock.now)
    )
    try:
        done = await opened.store.snapshots.read(partial(loaded_days, province=wanted.code))
        regions = registry.connect({name: connection}, Clocks(clock.now, clock.monotonic))
        try:
            region = regions.of(f"{wanted.code}0000")
            taking = Taking(opened, region, wanted, understood(words), clock, logger)
            return await taking.all(done, told)
        finally:
            await regions.close()
    finally:
        await opened.close()


class Taking:
    """One run over the dictionaries of one region."""

    def __init__(
        self,
        opened: OpenStore,
        region: RegionGateway,
        wanted: Wanted,
        ours: Mapping[str, frozenset[str]],
        clock: SystemClock,
        logger: Logger,
    ) -> None:
        """`ours`: dictionary → the codes that the profile understands or sends."""
        self._opened, self._region, self._wanted, self._clock = opened, region, wanted, clock
        self._ours, self._log = ours, logger

    async def all(
        self, done: dict[str, date], told: Callable[[Outcome], None]
    ) -> tuple[Outcome, ...]:
        outcomes: list[Outcome] = []
        for kind in self._wanted.kinds:
            if done.get(kind) == self._wanted.day and not self._wanted.again:
                outcome = Outcome(kind, why_zh="当日已装载", known=True)
            else:
                outcome = await self._one(kind)
            outcomes.append(outcome)
            told(outcome)
            if outcome.lost:
                break
        return tuple(outcomes)

    async def _one(self, kind: str) -> Outcome:
        institution, day = self._wanted.institution, self._wanted.day
        (msgid,) = await self._opened.msgids.take(institution.code, 1)
        ctx = CallContext(
            msgid=msgid,
            institution=institution,
            visited_region=institution.region,
            # Not about a person: nobody's insured region.
            insured_region="",
            sent_at=self._clock.now(),
            timeout_s=30.0,
        )
        answer: Answer[tuple[DictionaryRow, ...]] = await self._region.dictionary(ctx, kind, day)
        match answer:
            case Accepted(value=rows):
                return await self._take_over(kind, rows, msgid)
            case Declined(code=code, text=text):
                return Outcome(kind, why_zh=f"平台拒绝({code}):{text}")
            case _:
                return Outcome(kind, why_zh=f"没有得到答复({answer.cause})", lost=True)

    async def _take_over(self, kind: str, rows: tuple[DictionaryRow, ...], msgid: str) -> Outcome:
        def work(unit: UnitOfWork) -> Change:
            made = take_over(
                unit.connection,
                self._wanted.code,
                kind,
                rows,
                day=self._wanted.day,
                msgid=msgid,
                at=self._clock.now(),
            )
            self._refuse_losing_ours(kind, made)
            return made

        try:
            made = await self._opened.store.writer.submit(work)
        except Refused as refused:
            return Outcome(kind, why_zh=refused.zh)
        self._log.info(
            "dictionary_loaded",
            region=self._wanted.code,
            kind=kind,
            msgid=msgid,
            count=len(made.added),
        )
        return Outcome(kind, made)

    def _refuse_losing_ours(self, kind: str, made: Change) -> None:
        """A cut-off answer would stop every settlement: a person confirms that ours are gone."""
        gone = sorted(
            one.row.code for one in made.withdrawn if one.row.code in self._ours.get(kind, ())
        )
        if gone and not self._wanted.withdraw:
            raise Refused(
                "codes that we send would be withdrawn",
                reason="DICTIONARY_WITHDRAWS_OURS",
                text_zh=f"平台不再列出本网关要用的代码 {'、'.join(gone)},未装载。请向平台核实;"
                "确实停用的,先改配置档,再加 --withdraw 装载。",
            )


def _options(settings: Settings) -> StoreOptions:
    return StoreOptions(
        database=settings.database,
        keys_dir=settings.keys_dir,
        log_origin=settings.log_origin,
        production=settings.environment is Environment.PRODUCTION,
        outside_checkpoint=settings.outside_checkpoint,
    )
