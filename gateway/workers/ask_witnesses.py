"""请求见证: ask every witness to cosign the newest checkpoint, and keep what it answers.

A witness that refuses is the alarm for which it is there: it has seen another history of this log
than ours. That is an error in the log with what to do, again whenever it changes; nothing here
heals it. A witness that is silent is asked again at the next round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from gateway.ports import (
    CheckpointView,
    Cosignatures,
    Cosigned,
    SizeDiffers,
    Witness,
    WitnessAnswer,
    WitnessRefused,
)
from gateway.telemetry import Logger
from ledger.cosignature import CosignatureVerifier, read_answer
from ledger.note import NoteInvalid
from ledger.policy import ALWAYS, KeyDates

STOP = (
    "停止写入与签发:见证人所见的日志与本库不同。请核对是否恢复了旧备份、是否有第二个网关"
    "使用同一密钥;保留现场,用 ./yrd verify 查账并与见证人、医院回执核对。"
)


class AskWitnesses:
    """One round. Answers how many cosignatures are new."""

    def __init__(
        self,
        *,
        log: Cosignatures,
        witnesses: Sequence[Witness],
        dates: Mapping[str, KeyDates],
        logger: Logger,
    ) -> None:
        """`dates` by vkey: what a key signs outside them is not kept."""
        self._log, self._dates, self._logger = log, dates, logger
        self._witnesses = [(w, CosignatureVerifier.from_vkey(w.vkey)) for w in witnesses]
        self._said: dict[str, str] = {}
        """What was last logged of a witness, so that trouble is told once and not every round."""

    async def __call__(self) -> int:
        newest = await self._log.checkpoint()
        if newest is None or not newest.in_force:
            return 0  # what a closed log has signed is no question of this one
        asked = (self._ask(witness, key, newest) for witness, key in self._witnesses)
        return sum(await asyncio.gather(*asked))

    async def _ask(self, witness: Witness, key: CosignatureVerifier, newest: CheckpointView) -> int:
        known = await self._log.last_cosigned(key.vkey)
        if known >= newest.tree_size:
            return 0
        answer = await self._submit(witness, known, newest)
        if isinstance(answer, SizeDiffers) and known != answer.size <= newest.tree_size:
            # Its answer to an earlier question was lost on the way: go on from where it is.
            known = answer.size
            answer = await self._submit(witness, known, newest)
        if isinstance(answer, Cosigned):
            return await self._keep(witness, key, newest, answer)
        await self._tell(witness, newest, known, answer)
        return 0

    async def _submit(self, witness: Witness, known: int, newest: CheckpointView) -> WitnessAnswer:
        size = newest.tree_size
        proof = await self._log.consistency_proof(known, size) if 0 < known < size else ()
        return await witness.add_checkpoint(known, proof, newest.note)

    async def _keep(
        self, witness: Witness, key: CosignatureVerifier, newest: CheckpointView, answer: Cosigned
    ) -> int:
        try:
            given = read_answer(newest.note, answer.lines, key)
        except NoteInvalid as error:
            self._say(witness, "witness_answer_invalid", newest.tree_size, cause=str(error))
            return 0
        if not all(self._dates.get(key.vkey, ALWAYS).hold(c.at) for c in given):
            cause = "its key is outside its dates: ask it for a new key and change the settings"
            self._say(witness, "witness_key_out_of_date", newest.tree_size, cause=cause)
            return 0
        if self._said.pop(witness.name, None) is not None:
            self._logger.info(
                "witness_cosigns_again", step=witness.name, tree_size=newest.tree_size
            )
        return await self._log.add_cosignatures(newest.tree_size, given)

    async def _tell(
        self, witness: Witness, newest: CheckpointView, known: int, answer: WitnessAnswer
    ) -> None:
        size = newest.tree_size
        if isinstance(answer, SizeDiffers):
            if answer.size > size and await self._has_grown(answer.size):
                return  # another process of ours published in between
            what = "log_rolled_back" if answer.size > size else "log_forked"
            cause = f"it has cosigned {answer.size} leaves, we show {size} from {known}. {STOP}"
            self._say(witness, what, size, cause=cause)
        elif isinstance(answer, WitnessRefused):
            # 422: our history does not lead from what it has cosigned to what we show now.
            what = "log_forked" if answer.status == 422 else "witness_refuses"
            cause = f"{answer.status} {answer.text}" + (f". {STOP}" if answer.status == 422 else "")
            self._say(witness, what, size, cause=cause)
        elif not isinstance(answer, Cosigned):
            self._say(witness, "witness_silent", size, cause=answer.cause)

    async def _has_grown(self, size: int) -> bool:
        newest = await self._log.checkpoint()
        return newest is not None and newest.tree_size >= size

    def _say(self, witness: Witness, what: str, size: int, *, cause: str) -> None:
        if self._said.get(witness.name) == what:
            return
        self._said[witness.name] = what
        say = self._logger.warning if what == "witness_silent" else self._logger.error
        say(what, step=witness.name, tree_size=size, cause=cause)
