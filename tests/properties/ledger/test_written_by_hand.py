"""Leaves and sealed bodies are put together by hand, for speed: canonical JSON all the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger.commitment import canonical_json
from ledger.journal import Account, Entry, EntryKind, Leg, Role
from ledger.leaf import Leaf
from ledger.seal import entry_body

IDS = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}", fullmatch=True)
HEX = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
FUNDS = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)
ABSENT = st.none()


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    def account(role: Role, fund: str) -> Account:
        return Account(book="330400", role=role, counterparty=draw(IDS), fund=fund)

    def leg() -> Leg:
        fund = draw(FUNDS)
        debit, credit = account(Role.FUND_EXPENSE, fund), account(Role.PAYABLE, fund)
        return Leg(debit=debit, credit=credit, amount_fen=draw(st.integers(1, 10**16 - 1)))

    kind = draw(st.sampled_from([EntryKind.PENDING, EntryKind.POSTED]))
    pending = kind is EntryKind.PENDING
    entry_id, resolves, reverses, linked = draw(st.lists(IDS, min_size=4, max_size=4, unique=True))
    return Entry(
        entry_id=entry_id,
        kind=kind,
        legs=tuple(leg() for _ in range(draw(st.integers(0, 3)))),
        resolves=None if pending else draw(st.sampled_from([None, resolves])),
        reverses=draw(st.sampled_from([None, reverses])),
        linked=draw(st.sampled_from([None, linked])),
        expires_us=draw(ABSENT | st.integers(1, 1 << 52)) if pending else None,
    )


@given(entries(), st.integers(0, 1 << 60))
def test_a_sealed_body_is_canonical_json(entry: Entry, recorded_us: int) -> None:
    value: dict[str, object] = {
        "entry_id": entry.entry_id,
        "kind": entry.kind.value,
        "legs": [[leg.debit.code, leg.credit.code, leg.amount_fen] for leg in entry.legs],
        "recorded_us": recorded_us,
        "resolves": entry.resolves,
        "reverses": entry.reverses,
    }
    for name in ("linked", "expires_us"):
        if getattr(entry, name) is not None:
            value[name] = getattr(entry, name)
    assert entry_body(entry, recorded_us=recorded_us) == canonical_json(value)


@given(
    st.from_regex(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,5}", fullmatch=True),
    IDS,
    HEX,
    ABSENT | st.from_regex(r"[0-9]{4}-(0[1-9]|1[0-2])", fullmatch=True),
    st.lists(FUNDS, max_size=4, unique=True),
    ABSENT | HEX,
)
def test_a_leaf_is_canonical_json(
    kind: str,
    entry_id: str,
    commitment: str,
    window: str | None,
    funds: list[str],
    seal: str | None,
) -> None:
    leaf = Leaf(kind, entry_id, commitment, window, tuple(sorted(funds)))
    value: dict[str, object] = {"commitment": commitment, "entry_id": entry_id, "type": kind}
    named = {"window": window, "funds": sorted(funds) or None, "seal": seal}
    value |= {name: what for name, what in named.items() if what is not None}
    data = leaf.to_bytes(seal=seal)
    assert data == b"yrd.leaf.v1\n" + canonical_json(value)
    assert Leaf.parse(data).seal == seal
