"""平台: one message in, one answer out, effect committed in between. No sockets, no signatures.

Every message with an effect is stored under its msgid with its answer: the same message again gets
the same answer and no second effect; the same msgid with another body is refused (OUR ASSUMPTION:
no document says what a centre does with either).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.sandbox.context import TIME_FORMAT, Books, Call, Refusal, Rules
from adapters.sandbox.fields import check_input
from adapters.sandbox.notify import visited_settlements
from adapters.sandbox.provinces import Gate, Province, pool_of
from adapters.sandbox.records import Settlement, StoredAnswer
from adapters.sandbox.state import State
from adapters.sandbox.transactions import READS, TABLE, Transaction
from adapters.sandbox.transactions.cancel import REVERSIBLE
from adapters.sandbox.wire import BadField, Json, Node, dump, parse, text_of

VISITED, DOWNLOAD = "visited-settlement", "9102"
_ENVELOPE_REQUIRED = (
    "infno",
    "msgid",
    "mdtrtarea_admvs",
    "recer_sys_code",
    "infver",
    "opter_type",
    "opter",
    "opter_name",
    "inf_time",
    "fixmedins_code",
    "fixmedins_name",
)
_MSGID_LENGTH = 30


@dataclass(frozen=True, slots=True)
class Message:
    """A request that passed the gateway."""

    infno: str
    msgid: str
    envelope: Node
    given: Node
    """The `input` object."""
    digest: str
    """Of the input's raw text."""

    @property
    def number(self) -> str:
        return self.infno.rstrip("A")


def read_message(envelope: Node, raw_input: str) -> Message:
    """Raises BadField where the envelope itself is not usable."""
    given = envelope.get("input")
    if not isinstance(given, dict):
        raise BadField("缺少节点 input")
    digest = hashlib.sha256(raw_input.encode()).hexdigest()
    return Message(text_of(envelope, "infno"), text_of(envelope, "msgid"), envelope, given, digest)


class Platform:
    """One province's centre over one state."""

    transactions: Mapping[str, Transaction] = TABLE
    """What it answers; a platform with a planted defect has another table (tests)."""

    def __init__(self, *, province: Province, state: State, books: Books, rules: Rules) -> None:
        self.province = province
        self.state = state
        self._books = books
        self._rules = rules

    def answer(
        self, message: Message, now: datetime, *, differ_fen: int = 0, refuse: bool = False
    ) -> StoredAnswer:
        """Process one message; committed when this returns. `now` is Asia/Shanghai."""
        with self.state.transaction():
            known = self.state.message(message.msgid)
            if known is not None and known[:2] != (message.infno, message.digest):
                return self._refused(now, "发送方报文ID重复且内容不同")
            if known is not None and message.number not in READS:
                answer = known[2]
            elif refuse:
                answer = self._refused(now, "业务拒绝: 沙箱按指定故障拒绝本交易")
            else:
                answer = self._run(message, now, differ_fen)
            if message.msgid:
                self.state.record_message(message.msgid, message.infno, message.digest, answer)
            return answer

    def _run(self, message: Message, now: datetime, differ_fen: int) -> StoredAnswer:
        try:
            with self.state.savepoint():
                output = self._transaction(message)(self._call(message, now, differ_fen))
        except (Refusal, BadField) as refusal:
            return self._refused(now, str(refusal))
        return StoredAnswer(self._refmsgid(now), 0, "", dump(output))

    def _transaction(self, message: Message) -> Transaction:
        """Checks what every transaction needs, then finds it."""
        if message.infno == VISITED:
            return visited_settlements
        for name in _ENVELOPE_REQUIRED:
            if not text_of(message.envelope, name):
                raise BadField(f"报文 {name} 不能为空")
        if len(message.msgid) > _MSGID_LENGTH:
            raise BadField("报文 msgid 超过最大长度 30")
        encrypts = self.province.gate is Gate.ENVELOPE_SM2
        if text_of(message.envelope, "enc_type") and not encrypts:
            raise Refusal("本平台不支持加密报文")
        wants_variant = message.number in self.province.variants
        as_variant = message.infno != message.number
        if message.number not in self.transactions or as_variant is not wants_variant:
            raise Refusal(f"本平台不支持交易 {message.infno}")
        insured = text_of(message.envelope, "insuplc_admdvs")
        if insured and pool_of(insured) != self.province.pool:
            raise Refusal("参保地不属于本统筹区")
        if (
            message.number in REVERSIBLE
            and self.state.is_barred(message.msgid)
            and (self._rules.late_original == "refuse")
        ):
            raise Refusal("该报文已冲正,不再受理")
        visited = text_of(message.envelope, "mdtrtarea_admvs")
        elsewhere = visited[:2] != self.province.pool[:2]
        check_input(message.infno, message.given, cross_region=elsewhere)
        return self.transactions[message.number]

    def _call(self, message: Message, now: datetime, differ_fen: int) -> Call:
        envelope = message.envelope
        return Call(
            infno=message.infno,
            msgid=message.msgid,
            visited_area=text_of(envelope, "mdtrtarea_admvs"),
            insured_area=text_of(envelope, "insuplc_admdvs"),
            institution=text_of(envelope, "fixmedins_code"),
            given=message.given,
            now=now,
            province=self.province,
            books=self._books,
            rules=self._rules,
            state=self.state,
            differ_fen=differ_fen,
        )

    def refusal(self, now: datetime, text: str) -> StoredAnswer:
        """An answer for a message that could not even be read."""
        with self.state.transaction():
            return self._refused(now, text)

    def _refused(self, now: datetime, text: str) -> StoredAnswer:
        return StoredAnswer(self._refmsgid(now), -1, text[:200], "null")

    def _refmsgid(self, now: datetime) -> str:
        """admdvs(6) + yyyyMMddHHmmss(14) + seq(10)."""
        return f"{self.province.pool}{now:%Y%m%d%H%M%S}{self.state.next_number('refmsgid'):010}"

    def file_of(self, infno: str, answer: StoredAnswer) -> bytes | None:
        """9102's yes is not an envelope but the bytes of the file that its transaction chose."""
        if infno != DOWNLOAD or answer.infcode != 0:
            return None
        file = self.state.file(text_of(parse(answer.output.encode()), "file_qury_no"))
        return file.data if file else None

    def describe(self, now: datetime) -> Mapping[str, Json]:
        """What tests ask: counts, settlements, accounts, what the visited side was told."""
        rows = self.state.settlements()
        effective = [row for row in rows if not row.cancels and not row.reversed_by]
        messages = self.state.message_counts()
        by_infno: dict[str, Json] = {}
        for infno, _, times in messages:
            before = by_infno.get(infno, 0)
            by_infno[infno] = times + (before if isinstance(before, int) else 0)
        return {
            "province": self.province.key,
            "now": now.strftime(TIME_FORMAT),
            "calls": by_infno,
            "messages": [
                {"infno": infno, "msgid": msgid, "times": times} for infno, msgid, times in messages
            ],
            "settlements": [_described(row) for row in rows],
            "effective_settlements": len(effective),
            "visited_settlements": [
                {
                    "setl_sn": serial,
                    "negative": negative,
                    "times": times,
                    "row": _without_person(row),
                }
                for serial, negative, row, times in self.state.visited_rows()
            ],
        }


def _described(row: Settlement) -> Json:
    amounts: dict[str, Json] = {f"{part}_fen": fen for part, fen in row.amounts.items()}
    return {
        "setl_id": row.setl_id,
        "msgid": row.msgid,
        "infno": row.infno,
        "mdtrt_id": row.mdtrt_id,
        "batch": row.batch,
        "psn_no": row.psn_no,
        "year": row.year,
        "setl_time": row.setl_time,
        "cancels": row.cancels,
        "reversed_by": row.reversed_by,
        "effective": not row.cancels and not row.reversed_by,
        "amounts": amounts,
    }


def _without_person(row: str) -> Json:
    kept: dict[str, Json] = {
        name: value for name, value in parse(row.encode()).items() if name != "certno"
    }
    return kept


__all__ = ["VISITED", "Message", "Platform", "read_message"]
