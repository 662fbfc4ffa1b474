"""封签: a leaf's commitment to the journal entry itself.

Pure. The leaf's first commitment covers a body that lies elsewhere and may be erased; the seal
covers what stays here: kind, references, legs and time of the entry. Whoever changes a row of the
journal and its balances alike still meets the seal under a signed root. The salt keeps amounts from
being guessed from the published leaf; it stays in the entry's row, as the amounts do.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.commitment import commit
from ledger.journal import Entry

LegCodes = tuple[str, str, int]
"""Codes of the accounts debited and credited, and the amount in fen."""


def entry_body(entry: Entry, *, recorded_us: int) -> bytes:
    """The entry as canonical JSON. `recorded_us` is its time in microseconds since 1970, UTC. Link
    and expiry are named only where there are any, as in all entries before there were such."""
    return body_of(entry, leg_codes(entry), recorded_us=recorded_us)


def body_of(entry: Entry, legs: Iterable[LegCodes], *, recorded_us: int) -> bytes:
    """The same, for a caller who has the codes of the legs already.

    An entry's texts are plain characters by construction (ledger.journal), so that canonical JSON
    is these texts between quotation marks; a property test compares with ledger.commitment.
    """
    moved = ",".join([f'["{debit}","{credit}",{fen}]' for debit, credit, fen in legs])
    expires = "" if entry.expires_us is None else f'"expires_us":{entry.expires_us},'
    linked = "" if entry.linked is None else f'"linked":"{entry.linked}",'
    resolves = "null" if entry.resolves is None else f'"{entry.resolves}"'
    reverses = "null" if entry.reverses is None else f'"{entry.reverses}"'
    return (
        f'{{"entry_id":"{entry.entry_id}",{expires}"kind":"{entry.kind.value}","legs":[{moved}],'
        f'{linked}"recorded_us":{recorded_us},"resolves":{resolves},"reverses":{reverses}}}'
    ).encode("ascii")


def leg_codes(entry: Entry) -> list[LegCodes]:
    """The legs as the rows hold them."""
    return [(leg.debit.code, leg.credit.code, leg.amount_fen) for leg in entry.legs]


def seal_of(entry: Entry, *, recorded_us: int, salt: bytes) -> str:
    """The seal as a leaf carries it: 64 hex digits."""
    return commit(salt, entry_body(entry, recorded_us=recorded_us)).hex()
