"""封签: a leaf's commitment to the journal entry itself.

Pure. The leaf's first commitment covers a body that lies elsewhere and may be erased; the seal
covers what stays here: kind, references, legs and time of the entry. Whoever changes a row of the
journal and its balances alike still meets the seal under a signed root. The salt keeps amounts from
being guessed from the published leaf; it stays in the entry's row, as the amounts do.
"""

from __future__ import annotations

from ledger.commitment import canonical_json, commit
from ledger.journal import Entry


def entry_body(entry: Entry, *, recorded_us: int) -> bytes:
    """The entry as canonical JSON. `recorded_us` is its time in microseconds since 1970, UTC."""
    return canonical_json(
        {
            "entry_id": entry.entry_id,
            "kind": entry.kind.value,
            "legs": [[leg.debit.code, leg.credit.code, leg.amount_fen] for leg in entry.legs],
            "recorded_us": recorded_us,
            "resolves": entry.resolves,
            "reverses": entry.reverses,
        }
    )


def seal_of(entry: Entry, *, recorded_us: int, salt: bytes) -> str:
    """The seal as a leaf carries it: 64 hex digits."""
    return commit(salt, entry_body(entry, recorded_us=recorded_us)).hex()
