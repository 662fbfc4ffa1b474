"""Planted defects of platforms: stand-ins with one thing wrong, for trials of the trials.

Subclasses handed to the sandbox, and other transactions in its table; no command line can ask for
them. Each says in its docstring what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from adapters.sandbox import files
from adapters.sandbox.context import Call, Refusal
from adapters.sandbox.gates import Gatekeeper
from adapters.sandbox.platform import Message, Platform
from adapters.sandbox.records import Booked, Settlement, StoredAnswer
from adapters.sandbox.refused import GateRefusal
from adapters.sandbox.state import State
from adapters.sandbox.transactions import TABLE, Transaction, cancel, settle, statements
from adapters.sandbox.wire import Json, Node, node_of, text_of

SETTLE = frozenset({"2207", "2304"})


# --- gates -----------------------------------------------------------------------------------


class AnySignature(Gatekeeper):
    """Lets every signature through."""

    def check(self, headers: Mapping[str, str], body: bytes, tail: str, now: datetime) -> None:
        return


class _Forgiving(Gatekeeper):
    forgiven = ""

    def check(self, headers: Mapping[str, str], body: bytes, tail: str, now: datetime) -> None:
        try:
            super().check(headers, body, tail, now)
        except GateRefusal as refusal:
            if self.forgiven not in str(refusal):
                raise


class AnyTime(_Forgiving):
    """Lets old timestamps through."""

    forgiven = "时间戳"


class AnyCaller(_Forgiving):
    """Lets callers through that nobody knows."""

    forgiven = "非法用户"


class Nobody(Gatekeeper):
    """Turns everybody away."""

    def check(self, headers: Mapping[str, str], body: bytes, tail: str, now: datetime) -> None:
        raise GateRefusal("签名不一致!")


class EarlyTime(Gatekeeper):
    """Lets timestamps of the next hour through."""

    def check(self, headers: Mapping[str, str], body: bytes, tail: str, now: datetime) -> None:
        try:
            super().check(headers, body, tail, now)
        except GateRefusal:
            super().check(headers, body, tail, now + timedelta(hours=1))


# --- platforms: one transaction is wrong -----------------------------------------------------


def with_(**wrong: Transaction) -> type[Platform]:
    """A platform whose transactions `_2207=…` are other ones."""
    table = {**TABLE, **{name.strip("_"): made for name, made in wrong.items()}}
    return cast(type[Platform], type("Planted", (Platform,), {"transactions": table}))


def _settled(call: Call) -> Settlement | None:
    """The settlement that a cancellation or a reversal names."""
    data = node_of(call.given, "data")
    if call.number == "2601":
        return call.state.settlement_by_msgid(text_of(data, "omsgid"))
    return call.state.settlement(text_of(data, "setl_id"))


def cancellation_a_fen_short(call: Call) -> Json:
    """The patient gets one fen less than was paid."""
    answer = cancel.cancel_settlement(call)
    info = node_of(cast(Node, answer), "setlinfo")
    for name in ("psn_cash_pay", "pdn_cash_pay"):
        if name in info:
            paid = Decimal(str(info[name])) + Decimal("0.01")
            info[name] = str(paid) if isinstance(info[name], str) else paid
    return answer


def cancellation_in_words_only(call: Call) -> Json:
    """Answers the negative amounts and leaves the settlement standing."""
    answer = cancel.cancel_settlement(call)
    row = _settled(call)
    if row is not None:
        _undo_last(call, row)
    return answer


def _undo_last(call: Call, row: Settlement) -> None:
    call.state.mark_reversed(row.setl_id, "")
    _db(call).execute("DELETE FROM settlements WHERE cancels = ?", (row.setl_id,))


def _db(call: Call) -> Any:
    return vars(call.state)["_db"]


def cancellation_keeps_accumulators(call: Call) -> Json:
    """The deductible stays used up."""
    row = _settled(call)
    answer = cancel.cancel_settlement(call)
    if row is not None:
        call.state.move_accumulators(row, 1)
    return answer


def cancellation_again_and_again(call: Call) -> Json:
    """Gives the money back each time it is asked."""
    row = _settled(call)
    if row is not None and row.reversed_by:
        call.state.mark_reversed(row.setl_id, "")
    return cancel.cancel_settlement(call)


def settlement_of_settled_lines(call: Call) -> Json:
    """A batch is settled as often as it comes."""
    data = node_of(call.given, "data")
    _db(call).execute(
        "UPDATE lines SET setl_id = '' WHERE mdtrt_id = ?", (text_of(data, "mdtrt_id"),)
    )
    return settle.settle(call)


def settlement_that_does_not_add_up(call: Call) -> Json:
    """One fen of cash too many."""
    answer = settle.settle(call)
    info = node_of(cast(Node, answer), "setlinfo")
    paid = Decimal(str(info["psn_cash_pay"])) + Decimal("0.01")
    info["psn_cash_pay"] = str(paid) if isinstance(info["psn_cash_pay"], str) else paid
    return answer


def settlement_with_a_new_clearing_type(call: Call) -> Json:
    """No defect: a code that no profile has."""
    answer = settle.settle(call)
    node_of(cast(Node, answer), "setlinfo")["psn_type"] = "77"
    return answer


def reversal_in_words_only(call: Call) -> Json:
    """Says yes and does nothing."""
    return None


def reversal_again_and_again(call: Call) -> Json:
    """Gives the money back each time it is asked."""
    row = _settled(call)
    if row is not None and row.reversed_by and not row.cancels:
        call.state.mark_reversed(row.setl_id, "")
    return cancel.reverse_message(call)


def reversal_that_ends_the_visit(call: Call) -> Json:
    """For a message that never came, the person's last visit is closed."""
    if _settled(call) is None:
        data = node_of(call.given, "data")
        _db(call).execute(
            "UPDATE visits SET cancelled = 1 WHERE psn_no = ?", (text_of(data, "psn_no"),)
        )
    return cancel.reverse_message(call)


def reversal_of_anything(call: Call) -> Json:
    """A 2601 may be reversed too: what it took back stands again."""
    data = node_of(call.given, "data")
    if text_of(data, "oinfno").rstrip("A") != "2601":
        return cancel.reverse_message(call)
    row = _settled(call)
    if row is not None:
        _undo_last(call, replace(row, setl_id=row.cancels))
    return None


def reversal_of_a_cancellation_in_words_only(call: Call) -> Json:
    """Says yes and the settlement stays cancelled."""
    row = _settled(call)
    return None if row is not None and row.cancels else cancel.reverse_message(call)


def reversal_by_anybody(call: Call) -> Json:
    """Does not ask whose settlement it is."""
    row = _settled(call)
    if row is None:
        return cancel.reverse_message(call)
    data = node_of(call.given, "data")
    given: Node = {"data": {**data, "psn_no": row.psn_no, "oinfno": row.infno}}
    return cancel.reverse_message(replace(call, given=given))


def reversal_of_lines(call: Call) -> Json:
    """A message with lines may be reversed: the lines are gone."""
    data = node_of(call.given, "data")
    if text_of(data, "oinfno").rstrip("A") != "2204":
        return cancel.reverse_message(call)
    _db(call).execute("DELETE FROM lines WHERE setl_id = ''")
    return None


def reversal_only_once_known(call: Call) -> Json:
    """An admission cannot be reversed, and is told that it was."""
    data = node_of(call.given, "data")
    if text_of(data, "oinfno") == "2401":
        return None
    return cancel.reverse_message(call)


def reversal_only_the_first_time(call: Call) -> Json:
    """A message that was reversed before it came is never reversed again."""
    data = node_of(call.given, "data")
    if call.state.is_barred(text_of(data, "omsgid")):
        return None
    return cancel.reverse_message(call)


def refusal(call: Call) -> Json:
    """Says no to whatever it is asked."""
    raise Refusal("本平台不支持本交易")


def statement_always_balanced(call: Call) -> Json:
    """3201 says yes to any sum."""
    answer = cast(Node, statements.totals(call))
    node_of(answer, "stmtinfo").update({"stmt_rslt": "0", "stmt_rslt_dscr": "平"})
    return answer


class _Forgetful:
    """A state that leaves rows out of every statement."""

    def __init__(self, state: State, *, refunds: bool) -> None:
        self._state, self._refunds = state, refunds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def booked(self, *given: str) -> list[Booked]:
        rows = self._state.booked(*given)
        return [row for row in rows if not row.refund] if self._refunds else rows[:-1]


def statement_lacks_a_row(call: Call) -> Json:
    """3202 forgets the newest settlement."""
    state = cast(State, _Forgetful(call.state, refunds=False))
    return statements.detail(replace(call, state=state))


def statement_lacks_refunds(call: Call) -> Json:
    """3202 shows settlements and not what took them back."""
    state = cast(State, _Forgetful(call.state, refunds=True))
    return statements.detail(replace(call, state=state))


class _Agreeing:
    """A state that has whatever was uploaded."""

    def __init__(self, call: Call) -> None:
        number = text_of(node_of(call.given, "data"), "file_qury_no")
        file = call.state.file(number)
        self._state = call.state
        self._cells = files.unpack(file.data, 7) if file else []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def booked(self, *given: str) -> list[Booked]:
        theirs = {row.setl_id: row for row in self._state.booked(*given)}
        for setl_id, mdtrt_id, psn_no, *amounts, refund in self._cells:
            total, fund, account = (int(Decimal(amount) * 100) for amount in amounts)
            known = theirs.get(setl_id) or next(iter(theirs.values()))
            theirs[setl_id] = replace(
                known, setl_id=setl_id, mdtrt_id=mdtrt_id, psn_no=psn_no,
                amounts=(total, fund, account), refund=refund == "1",
            )  # fmt: skip
        return list(theirs.values())


def statement_agrees_with_us(call: Call) -> Json:
    """3202 finds everything right that was uploaded."""
    return statements.detail(replace(call, state=cast(State, _Agreeing(call))))


# --- platforms: a message is wrong -----------------------------------------------------------


class Forgetful(Platform):
    """Knows no message again: the same one is carried out anew."""

    transactions: Mapping[str, Transaction] = {
        **TABLE,
        **dict.fromkeys(SETTLE, settlement_of_settled_lines),
    }

    def answer(
        self, message: Message, now: datetime, *, differ_fen: int = 0, refuse: bool = False
    ) -> StoredAnswer:
        with self.state.transaction():
            if refuse:
                return self._refused(now, "拒绝")
            return self._run(message, now, differ_fen)


class ReusesMsgids(Platform):
    """Takes another message under a msgid that was used."""

    def answer(
        self, message: Message, now: datetime, *, differ_fen: int = 0, refuse: bool = False
    ) -> StoredAnswer:
        with self.state.transaction():
            known = self.state.message(message.msgid)
            if known is not None and known[:2] != (message.infno, message.digest):
                return self._run(message, now, differ_fen)
        return super().answer(message, now, differ_fen=differ_fen, refuse=refuse)


class RefusesAndBooks(Platform):
    """Says no to a settlement whose amounts are wrong, and books it by its own figures."""

    def answer(
        self, message: Message, now: datetime, *, differ_fen: int = 0, refuse: bool = False
    ) -> StoredAnswer:
        answer = super().answer(message, now, differ_fen=differ_fen, refuse=refuse)
        if answer.infcode == 0 or message.number not in SETTLE:
            return answer
        data = dict(node_of(message.given, "data"))
        for name in ("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay",
                     "preselfpay_amt", "inscp_scp_amt"):  # fmt: skip
            data.pop(name, None)
        with self.state.transaction():
            call = self._call(replace(message, given={"data": data}), now, differ_fen)
            try:
                settle.settle(call)
            except Refusal:
                return answer
        return answer


class RefusesWithoutAWord(Platform):
    """A refusal says nothing."""

    def _refused(self, now: datetime, text: str) -> StoredAnswer:
        return super()._refused(now, "")


class AnswersTheOneBefore(Platform):
    """A settlement gets the answer of the one before it."""

    def answer(
        self, message: Message, now: datetime, *, differ_fen: int = 0, refuse: bool = False
    ) -> StoredAnswer:
        answer = super().answer(message, now, differ_fen=differ_fen, refuse=refuse)
        if message.number not in SETTLE:
            return answer
        return self.state.last_answer(message.infno, message.msgid) or answer
