"""What a client hands in: the entries of claims between three pooling regions, and commitments.

Each claim is a pending entry and, once that is durable, the posted one that resolves it: two legs
each, one in either region's book. The accounts between regions are few and hot, those of hospitals
many. One claim in sixteen is voided. Synthetic; ids are made as the gateway makes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count

from gateway.ids import SystemIds
from ledger.commitment import commit
from ledger.journal import Account, Entry, EntryKind, Leg, Role

REGIONS = ("310000", "320500", "330400")
FUNDS = ("pooled", "pooled", "pooled", "personal")
HOSPITALS = 150
WINDOW = "2026-11"
VOIDED_EVERY = 16


@dataclass(frozen=True, slots=True)
class Request:
    """One append, as far as a client in another process would make it."""

    entry: Entry
    fund: str
    commitment: str
    """64 hex digits: salt and body are the client's."""


Claim = tuple[Request, Request]
"""The pending entry, and what ends it."""


def claims(number_from: int = 0) -> Iterator[Claim]:
    """Without end; ids never repeat."""
    ids = SystemIds()
    for number in count(number_from):
        fund = FUNDS[number % len(FUNDS)]
        legs = _legs(number, fund)
        pending = Entry(entry_id=ids.entry_id(), kind=EntryKind.PENDING, legs=legs)
        voided = number % VOIDED_EVERY == VOIDED_EVERY - 1
        ended = Entry(
            entry_id=ids.entry_id(),
            kind=EntryKind.VOIDED if voided else EntryKind.POSTED,
            legs=() if voided else legs,
            resolves=pending.entry_id,
        )
        yield _request(pending, fund, ids), _request(ended, fund, ids)


def _request(entry: Entry, fund: str, ids: SystemIds) -> Request:
    body = f'{{"claim":"{entry.entry_id}"}}'.encode("ascii")
    return Request(entry, fund, commit(ids.salt(), body).hex())


def _legs(number: int, fund: str) -> tuple[Leg, Leg]:
    insured = REGIONS[number % 3]
    visited = REGIONS[(number + 1 + number // 3 % 2) % 3]
    amount = 1_00 + number * 7919 % 500_000
    source = Role.FUND_EXPENSE if fund == "pooled" else Role.PERSONAL_ACCOUNT
    hospital = f"H{visited[:4]}{number % HOSPITALS:07d}"
    return (
        Leg(
            _account(insured, source, insured, fund),
            _account(insured, Role.PAYABLE, visited, fund),
            amount,
        ),
        Leg(
            _account(visited, Role.RECEIVABLE, insured, fund),
            _account(visited, Role.HOSPITAL_PAYABLE, hospital, fund),
            amount,
        ),
    )


@cache
def _account(book: str, role: Role, counterparty: str, fund: str) -> Account:
    return Account(book=book, role=role, counterparty=counterparty, fund=fund)
