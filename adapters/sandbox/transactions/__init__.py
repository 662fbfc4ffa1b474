"""交易: one function per transaction; TABLE is what a platform answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.sandbox.context import Call
from adapters.sandbox.transactions import (
    cancel,
    details,
    dictionary,
    inquiry,
    person,
    settle,
    statements,
    visits,
)
from adapters.sandbox.wire import Json

Transaction = Callable[[Call], Json]

TABLE: Mapping[str, Transaction] = {
    "9001": person.sign_in,
    "1101": person.identify,
    "5203": inquiry.settlement,
    "5206": person.accumulated,
    "1901": dictionary.dictionary,
    "2201": visits.register_outpatient,
    "2203": visits.describe_outpatient,
    "2401": visits.admit,
    "2402": visits.discharge,
    "2204": details.upload_outpatient,
    "2205": details.withdraw_outpatient,
    "2301": details.upload_inpatient,
    "2302": details.withdraw_inpatient,
    "2206": settle.pre_settle,
    "2303": settle.pre_settle,
    "2207": settle.settle,
    "2304": settle.settle,
    "2208": cancel.cancel_settlement,
    "2305": cancel.cancel_settlement,
    "2601": cancel.reverse_message,
    "3201": statements.totals,
    "3202": statements.detail,
    "9101": statements.upload,
    "9102": statements.download,
}

READS = frozenset({"9001", "1101", "1901", "5203", "5206", "2206", "2303", "3201", "9102"})
"""Answered anew each time; every other answer is stored under its msgid."""

__all__ = ["READS", "TABLE", "Transaction"]
