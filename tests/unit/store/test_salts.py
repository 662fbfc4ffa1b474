"""Salts are fetched from the system many at a time: nobody is ever given one twice."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from gateway.ids import SystemIds


def test_a_salt_has_thirty_two_bytes_and_comes_once_however_many_threads_ask() -> None:
    def ask(_thread: int) -> list[bytes]:
        salt = SystemIds().salt
        return [salt() for _ in range(5_000)]

    with ThreadPoolExecutor(4) as threads:
        given = [salt for salts in threads.map(ask, range(4)) for salt in salts]
    assert {len(salt) for salt in given} == {32}
    assert len(set(given)) == len(given)


def test_a_forked_process_does_not_repeat_what_its_parent_still_holds() -> None:
    salt = SystemIds().salt
    salt()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(salt() for _ in range(200)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 200 * 32)
    os.close(reading)
    os.close(writing)
    ours = b"".join(salt() for _ in range(200))
    split = [{told[at : at + 32] for at in range(0, len(told), 32)} for told in (theirs, ours)]
    assert len(theirs) == len(ours)
    assert not split[0] & split[1]
