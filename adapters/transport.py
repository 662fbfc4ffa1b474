"""传输: bytes to a region's platform and back, told in three words that never lie.

The words are outcome.py's. NotDelivered is a refused connection, an open breaker, a TLS failure, no
time left. Nothing raises through but cancellation (the journey shields its calls).
A retry spends from a budget, and happens only where repeating is harmless: a read, or a request
that provably never left. Knows no province, no message, no signature.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

from adapters.breaker import Breaker, BreakerState
from adapters.outcome import Cause, Delivered, NoAnswer, NotDelivered, Outcome
from adapters.places import Places

MAX_BODY_BYTES = 8 * 1024 * 1024
"""The interface caps output at 40,000 characters; this only stops a flood."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its bytes final."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    timeout_s: float
    """min(configured for the transaction, what remains of the caller's deadline)."""
    repeatable: bool = False
    """A read: sending it twice is harmless."""
    sign: Callable[[], Mapping[str, str]] = dict
    """Headers of one sending, asked for anew each time: some gateways take a nonce only once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """One region's bounds, from its profile."""

    connect_timeout_s: float = 5.0
    concurrency: int = 64
    queue_timeout_s: float = 1.0
    """How long a call waits for a free place before it is told TOO_BUSY."""
    retry_budget: int = 10
    """Retries that may be spent before successes earn more."""
    retry_earned_per_success: float = 0.1
    failures_to_open: int = 5
    open_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Health:
    """What the health page shows of one region."""

    breaker: BreakerState
    in_flight: int
    retries_left: int
    places: int
    """Calls that may be under way at once now: fewer while the region comes back."""


def _system_trust() -> None:
    """Plain HTTP, or the system's trust store, whichever the address says."""


class Transport:
    """One region's session: its own pool, places, budget and breaker (a bulkhead)."""

    def __init__(
        self,
        base_url: str,
        limits: Limits,
        monotonic: Callable[[], float],
        tls: Callable[[], ssl.SSLContext | None] = _system_trust,
    ) -> None:
        """`tls` is asked before each call: a new context is for new connections, and those of the
        old one end when they are idle."""
        self._base_url = base_url.rstrip("/")
        self._limits = limits
        self._monotonic = monotonic
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._places = Places(limits.concurrency)
        self._retries = float(limits.retry_budget)
        self._breaker = Breaker(
            monotonic, limits.failures_to_open, limits.open_s, limits.concurrency
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def monotonic(self) -> float:
        """Seconds, of the clock by which time-outs are counted."""
        return self._monotonic()

    def health(self) -> Health:
        breaker, places = self._breaker, self._places
        return Health(breaker.state, places.taken, int(self._retries), breaker.window)

    async def send(self, call: Call) -> Outcome:
        """The last outcome of at most two tries, within call.timeout_s altogether."""
        ends = self._monotonic() + call.timeout_s
        outcome = await self._admitted(call, ends)
        if _may_repeat(call, outcome) and self._retries >= 1 and self._monotonic() < ends:
            self._retries -= 1
            outcome = await self._admitted(call, ends)
        return outcome

    async def _admitted(self, call: Call, ends: float) -> Outcome:
        remaining = ends - self._monotonic()
        if self._closed:
            return NotDelivered(Cause.CLOSED)
        if remaining <= 0:
            return NotDelivered(Cause.NO_TIME_LEFT)
        if self._breaker.state is BreakerState.OPEN:
            # At once, even where every place is held by a call that waits for a dead platform.
            return NotDelivered(Cause.BREAKER_OPEN)
        if not await self._places.acquire(min(remaining, self._limits.queue_timeout_s)):
            return NotDelivered(Cause.TOO_BUSY)
        try:
            return await self._judged(call, ends)
        finally:
            # First: a failure may have narrowed the window, and the next in the queue obeys it.
            self._places.limit = self._breaker.window
            self._places.release()

    async def _judged(self, call: Call, ends: float) -> Outcome:
        # Asked again after the place was won: the breaker may have opened while we waited.
        if not self._breaker.admit():
            return NotDelivered(Cause.BREAKER_OPEN)
        era, remaining = self._breaker.era, ends - self._monotonic()
        if remaining <= 0:
            self._breaker.abandoned(era)
            return NotDelivered(Cause.NO_TIME_LEFT)
        try:
            outcome = await self._once(call, remaining)
        except asyncio.CancelledError:
            self._breaker.abandoned(era)
            raise
        if isinstance(outcome, Delivered):
            self._breaker.succeeded()
            earned = self._retries + self._limits.retry_earned_per_success
            self._retries = min(float(self._limits.retry_budget), earned)
        else:
            self._breaker.failed(era)
        return outcome

    async def _once(self, call: Call, timeout_s: float) -> Outcome:
        begun = self._monotonic()
        try:
            async with self._open_session().post(
                self._base_url + call.path,
                data=call.body,
                headers={**call.headers, **call.sign()},
                ssl=self._tls() or True,
                allow_redirects=False,
                timeout=patience(timeout_s, self._limits.connect_timeout_s),
            ) as response:
                return await _read(response, int((self._monotonic() - begun) * 1000))
        except Exception as error:
            return _outcome_of(error)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No cookies, no proxies from the environment, no automatic retry on a reused
            # connection: aiohttp repeats only idempotent methods, and POST is not one.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._limits.concurrency,
                    # Shorter than servers keep idle connections: a request written into one that
                    # the far side is just closing would end as unknown.
                    keepalive_timeout=10,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
            )
        return self._session


def patience(timeout_s: float, connect_timeout_s: float) -> aiohttp.ClientTimeout:
    """Exactly as long as we were told."""
    return aiohttp.ClientTimeout(
        total=timeout_s,
        sock_connect=min(timeout_s, connect_timeout_s),
        # Else aiohttp rounds what is above 5 s up to a whole second, and the caller has left
        # before the answer "unknown" can be recorded.
        ceil_threshold=math.inf,
    )


def _may_repeat(call: Call, outcome: Outcome) -> bool:
    if isinstance(outcome, NotDelivered):
        return outcome.cause is Cause.CONNECTION_REFUSED
    return call.repeatable and isinstance(outcome, NoAnswer) and outcome.cause is not Cause.TIMEOUT


async def _read(response: aiohttp.ClientResponse, elapsed_ms: int) -> Outcome:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return NoAnswer(Cause.OVERSIZED, f"more than {MAX_BODY_BYTES} bytes")
    if response.status >= 500:
        return NoAnswer(Cause.SERVER_ERROR, f"HTTP {response.status}", bytes(body))
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Delivered(response.status, headers, bytes(body), elapsed_ms)


def _outcome_of(error: Exception) -> Outcome:
    """The one table error → outcome. Only what is provably unsent is NotDelivered."""
    detail = type(error).__name__
    match error:
        # A connection that never came to be carried no byte of the request.
        case aiohttp.ConnectionTimeoutError():
            return NotDelivered(Cause.CONNECTION_REFUSED, detail)
        case aiohttp.ClientSSLError() | aiohttp.ClientConnectorCertificateError():
            return NotDelivered(Cause.TLS, detail)
        case aiohttp.ClientConnectorError():
            return NotDelivered(Cause.CONNECTION_REFUSED, detail)
        case aiohttp.InvalidURL():
            return NotDelivered(Cause.OTHER, detail)
        case TimeoutError():
            return NoAnswer(Cause.TIMEOUT, detail)
        case aiohttp.ClientError() | OSError():
            return NoAnswer(Cause.CONNECTION_LOST, detail)
        case _:
            # A defect of ours or of the library: we cannot prove that nothing left.
            return NoAnswer(Cause.OTHER, detail)
