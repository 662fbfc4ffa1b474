"""The log and its witnesses over HTTP: cosigned, kept, shown, and refused when history changes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.witness import HttpWitness
from gateway.demo.stranger import Mirror
from gateway.domain.errors import InvariantViolated
from gateway.ids import SystemIds
from gateway.ports import SizeDiffers, WitnessAnswer, WitnessSilent
from gateway.store.restart import RestartOrder, restart_log
from gateway.workers.ask_witnesses import AskWitnesses
from ledger.cosignature import CosignatureVerifier, cosignatures
from ledger.policy import KeyDates, PolicyUnmet
from tests.integration.store.house import (
    NOON,
    ORIGIN,
    StandingClock,
    numbered,
    opened,
    prepare,
)
from tests.integration.witness.town import Town, grow, town


async def test_three_platforms_cosign_and_everyone_sees_it(tmp_path: Path) -> None:
    async with town(tmp_path) as around, opened(tmp_path) as house:
        ask, log, mirror = around.asking(house), around.log(house), around.mirror(house)
        assert await ask() == 0
        assert await grow(house, "r-1", "r-2") == 2
        before = await log.covering(0)
        assert before is not None and not before.witnessed
        assert await mirror() == 0, "nothing is shown before the quorum is there"
        assert await ask() == 3
        assert await ask() == 0, "who has cosigned is not asked again"

        shown = await log.checkpoint()
        assert shown is not None and shown.witnessed and shown.signed_at == NOON
        witnessed = around.policy().judge(shown.note)
        assert {c.at for c in witnessed.cosignatures} == {int(NOON.timestamp())}
        assert await log.covering(0) == shown
        assert await mirror() > 0
        stranger = Mirror(tmp_path / "log", tmp_path / "log-entries", around.vkey)
        seen = stranger.check(witnesses=tuple(around.vkeys))

        assert await grow(house, *(numbered("r", number) for number in range(300))) == 302
        assert await ask() == 3
        assert await mirror() > 0
        stranger.check(seen, witnesses=tuple(around.vkeys))
        assert around.heard.lines == []


async def test_a_receipt_prefers_the_checkpoint_that_the_quorum_has_cosigned(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as around, opened(tmp_path) as house:
        await grow(house, "r-1")
        await grow(house, "r-2")
        log = around.log(house)
        await around.asking(house)()
        covering = await log.covering(0)
        assert covering is not None and covering.tree_size == 2 and covering.witnessed
        first = await log.checkpoint(1)
        assert first is not None and not first.witnessed


async def test_a_witness_that_is_down_is_told_of_once_and_asked_again(tmp_path: Path) -> None:
    async with town(tmp_path) as around, opened(tmp_path) as house:
        ask, mirror = around.asking(house), around.mirror(house)
        await around.sandboxes["jiangsu"].stop()
        await grow(house, "r-1")
        assert await ask() == 2
        assert await ask() == 0
        assert around.heard.said("warning") == ["witness_silent"]
        assert await mirror() > 0, "two of three are enough"
        shown = await around.log(house).checkpoint()
        assert shown is not None
        with pytest.raises(PolicyUnmet, match="shanghai, zhejiang"):
            around.policy().judge(shown.note)
        around.policy(2).judge(shown.note)


class Forgetful:
    """A witness whose first answer is lost on the way; implements ports.Witness."""

    def __init__(self, inner: HttpWitness) -> None:
        self._inner, self.asked = inner, 0
        self.name, self.vkey = inner.name, inner.vkey

    async def add_checkpoint(
        self, old_size: int, proof: tuple[bytes, ...], note: str
    ) -> WitnessAnswer:
        self.asked += 1
        answer = await self._inner.add_checkpoint(old_size, proof, note)
        return WitnessSilent("connection_lost") if self.asked == 1 else answer


async def test_an_answer_lost_on_the_way_is_made_up_for(tmp_path: Path) -> None:
    async with town(tmp_path) as around, opened(tmp_path) as house:
        forgetful = Forgetful(around.witnesses[0])
        ask = AskWitnesses(
            log=around.log(house), witnesses=[forgetful], dates={}, logger=around.heard
        )
        await grow(house, "r-1", "r-2", "r-3")
        assert await ask() == 0
        await grow(house, "r-4")
        assert await ask() == 1, "it says 3, and is asked again from there"
        assert forgetful.asked == 3
        assert around.heard.said("warning") == ["witness_silent"]
        assert around.heard.said("info") == ["witness_cosigns_again"]
        assert around.heard.said("error") == []


async def restored(tmp_path: Path, around: Town, names: Sequence[str]) -> None:
    """Five leaves cosigned, a copy kept; eight cosigned; the copy restored, and `names` added."""
    database = tmp_path / "data" / "yrd.db"
    async with opened(tmp_path) as house:
        await grow(house, *(f"r-{number}" for number in range(5)))
        assert await around.asking(house)() == 3
    shutil.copy(database, tmp_path / "backup.db")
    async with opened(tmp_path) as house:
        await grow(house, "r-5", "r-6", "r-7")
        assert await around.asking(house)() == 3
        await around.mirror(house)()
    shutil.copy(tmp_path / "backup.db", database)
    # Whoever restored it also lost the copy outside: only the witnesses know.
    (tmp_path / "checkpoint.txt").unlink()
    async with opened(tmp_path) as house:
        await grow(house, *names)
        await around.asking(house)()
        with pytest.raises(InvariantViolated):
            await around.mirror(house, quorum=0)()


async def test_a_restored_backup_that_goes_on_is_refused_and_shouted_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with town(tmp_path) as around:
        await restored(tmp_path, around, [f"other-{number}" for number in range(5)])
        assert around.heard.said("error") == ["log_forked"] * 3
        assert all("停止写入" in fields["cause"] for _, _, fields in around.heard.lines)
        assert caplog.text.count("FORK: no extension of what was cosigned") == 3
        assert [s.witness and s.witness.last_size("yrd.example/test-log")
                for s in around.sandboxes.values()] == [8, 8, 8]  # fmt: skip


async def test_a_restored_backup_that_is_shorter_is_a_rollback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with town(tmp_path) as around:
        await restored(tmp_path, around, ["other"])
        assert around.heard.said("error") == ["log_rolled_back"] * 3
        assert "ROLLED BACK" in caplog.text


async def test_another_history_of_the_same_length_is_a_fork(tmp_path: Path) -> None:
    async with town(tmp_path) as around:
        await restored(tmp_path, around, ["a", "b", "c"])
        assert around.heard.said("error") == ["log_forked"] * 3


async def test_what_a_key_signs_past_its_date_is_not_kept(tmp_path: Path) -> None:
    async with town(tmp_path) as around, opened(tmp_path) as house:
        await grow(house, "r-1")
        yesterday = KeyDates(last=int((NOON - timedelta(days=1)).timestamp()))
        assert await around.asking(house, yesterday)() == 2
        assert around.heard.said("error") == ["witness_key_out_of_date"]
        shown = await around.log(house).checkpoint()
        assert shown is not None
        keys = [CosignatureVerifier.from_vkey(vkey) for vkey in around.vkeys]
        assert [c.witness.name for c in cosignatures(shown.note, keys)] == [
            "sandbox.yrd.example/jiangsu",
            "sandbox.yrd.example/zhejiang",
        ]


async def test_a_witness_of_another_key_than_the_settings_say_is_not_believed(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as around, opened(tmp_path) as house:
        around.witnesses[0].vkey, around.witnesses[1].vkey = reversed(around.vkeys[:2])
        await grow(house, "r-1")
        assert await around.asking(house)() == 1
        assert around.heard.said("error") == ["witness_answer_invalid"] * 2


async def test_a_log_that_nobody_told_them_of_is_refused(tmp_path: Path) -> None:
    async with town(tmp_path / "one") as around:
        prepare(tmp_path / "two")
        async with opened(tmp_path / "two") as house:
            await grow(house, "r-1")
            assert await around.asking(house)() == 0
            assert around.heard.said("error") == ["witness_refuses"] * 3


async def test_two_processes_at_one_directory_do_not_meet(tmp_path: Path) -> None:
    async with town(tmp_path) as around, opened(tmp_path) as house:
        await grow(house, "r-1")
        one, two = around.mirror(house, quorum=0), around.mirror(house, quorum=0)
        written = [await one(), await two()]
        assert sorted(count > 0 for count in written) == [False, True]


async def test_the_client_says_what_the_witness_answered(tmp_path: Path) -> None:
    async with town(tmp_path) as around, opened(tmp_path) as house:
        await grow(house, "r-1")
        await around.asking(house)()
        shown = await around.log(house).checkpoint()
        assert shown is not None
        answer = await around.witnesses[0].add_checkpoint(0, (), shown.note)
        assert answer == SizeDiffers(1)


async def test_witnesses_begin_with_a_restarted_log_at_nothing(tmp_path: Path) -> None:
    async with town(tmp_path) as around:
        async with opened(tmp_path) as house:
            await grow(house, "r-1", "r-2")
            assert await around.asking(house)() == 3
        (tmp_path / "vkey").write_text(around.vkey + "\n", encoding="ascii")
        made = restart_log(
            RestartOrder(
                database=tmp_path / "data" / "yrd.db",
                keys_dir=tmp_path / "keys",
                log_origin=ORIGIN,
                outside_checkpoint=tmp_path / "checkpoint.txt",
                vkey_file=tmp_path / "vkey",
                reason="test",
                force=True,
            ),
            clock=StandingClock(),
            ids=SystemIds(),
        )
        async with opened(tmp_path) as house:
            assert await around.asking(house)() == 0
            assert around.heard.said("error") == ["witness_refuses"] * 3, "nobody told them"
            for sandbox in around.sandboxes.values():
                assert sandbox.witness is not None
                sandbox.witness.watch(made.closed.successor.vkey)
            assert await around.asking(house)() == 3
            await grow(house, "r-3")
            assert await around.asking(house)() == 3
            shown = await around.log(house).checkpoint()
            assert shown is not None and shown.witnessed and shown.tree_size == 4
            assert await around.mirror(house)() > 0
        vkeys = tuple(around.vkeys)
        Mirror(tmp_path / "log", tmp_path / "log-entries", made.closed.successor.vkey).check(
            witnesses=vkeys
        )
        for sandbox in around.sandboxes.values():
            assert sandbox.witness is not None
            assert sandbox.witness.last_size(ORIGIN) == 2
            assert sandbox.witness.last_size(f"{ORIGIN}-2") == 4
