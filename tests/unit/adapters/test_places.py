"""Places are given in turn, and who stops waiting leaves no trace."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from adapters.places import Places

LONG_S = 5.0


async def queued(places: Places, timeout_s: float = LONG_S) -> asyncio.Task[bool]:
    """A caller that stands in the queue by now."""
    task = asyncio.create_task(places.acquire(timeout_s))
    await asyncio.sleep(0)
    return task


async def test_who_came_first_is_served_first() -> None:
    places = Places(1)
    assert await places.acquire(0)
    waiting = [await queued(places) for _ in range(5)]
    for served in range(5):
        places.release()
        await asyncio.sleep(0)
        assert [task.done() for task in waiting] == [n <= served for n in range(5)]
    assert (places.taken, places.waiting) == (1, 0)


async def test_a_newcomer_overtakes_nobody() -> None:
    places = Places(1)
    assert await places.acquire(0)
    first = await queued(places)
    places.release()
    # The place is the first's already, though it has not run yet.
    assert not await places.acquire(0)
    assert await first


async def test_a_caller_whose_time_is_up_holds_no_place() -> None:
    places = Places(1)
    assert await places.acquire(0)
    assert not await places.acquire(0.001)
    assert (places.taken, places.waiting) == (1, 0)
    places.release()
    assert await places.acquire(0)


async def test_a_cancelled_caller_gives_back_what_it_was_just_given() -> None:
    places = Places(1)
    assert await places.acquire(0)
    leaving, next_one = await queued(places), await queued(places)
    places.release()
    leaving.cancel()
    assert await next_one
    assert leaving.cancelled() or not await leaving
    assert (places.taken, places.waiting) == (1, 0)


async def test_a_lower_limit_is_reached_as_calls_end_and_a_higher_one_at_once() -> None:
    places = Places(3)
    for _ in range(3):
        assert await places.acquire(0)
    places.limit = 1
    waiting = [await queued(places) for _ in range(3)]
    places.release()
    places.release()
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    places.limit = 3
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, True, False]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert places.waiting == 0


@given(
    limit=st.integers(1, 4),
    acts=st.lists(st.tuples(st.sampled_from(["come", "leave", "end", "limit"]), st.integers(0, 5))),
)
def test_places_taken_are_exactly_those_of_callers_who_got_one(
    limit: int, acts: list[tuple[str, int]]
) -> None:
    async def run() -> None:
        places, tasks, ended = Places(limit), [], 0
        for act, number in acts:
            if act == "come":
                tasks.append(asyncio.create_task(places.acquire(LONG_S)))
            elif act == "leave" and tasks:
                tasks[number % len(tasks)].cancel()
            elif act == "limit":
                places.limit = number + 1
            elif act == "end" and sum(_got(t) for t in tasks) > ended:
                places.release()
                ended += 1
            if number % 2:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert places.taken == sum(_got(t) for t in tasks) - ended
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert places.waiting == 0

    asyncio.run(run())


def _got(task: asyncio.Task[bool]) -> bool:
    return task.done() and not task.cancelled() and task.result()
