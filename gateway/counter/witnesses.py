"""见证人: whom a person at the command line trusts to have cosigned, as a policy.

Keys as given (the vkey itself, or a file of it), how many of them are needed, or a whole C2SP
tlog-policy file; and the last day of the log's key, if that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from gateway.counter.receipts import read_vkey
from ledger.cosignature import CosignatureVerifier
from ledger.note import NoteVerifier
from ledger.policy import KeyDates, Log, Policy, PolicyMalformed, Witness, parse_policy


def read_policy(
    vkey: str,
    *,
    witnesses: Sequence[str] = (),
    quorum: int | None = None,
    policy: Path | None = None,
    key_until: date | None = None,
) -> Policy | None:
    """None when nothing is asked beyond the log's signature.

    Without a quorum all witnesses are needed. Raises OSError, KeyMalformed, PolicyMalformed.
    """
    if policy is not None and (witnesses or quorum is not None):
        raise PolicyMalformed("a policy file says by itself which witnesses are needed")
    if policy is not None:
        made = parse_policy(policy.read_bytes())
    elif witnesses or quorum or key_until is not None:
        keys = [CosignatureVerifier.from_vkey(read_vkey(given)) for given in witnesses]
        named = [Witness(f"witness-{n}", key) for n, key in enumerate(keys, start=1)]
        made = Policy.k_of(len(keys) if quorum is None else quorum, named)
    else:
        return None
    if key_until is None:
        return made
    dates = KeyDates.of_days(None, key_until)
    return replace(made, logs=(Log(NoteVerifier.from_vkey(vkey), dates=dates),))
