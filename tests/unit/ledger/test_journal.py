"""An entry balances or cannot be built."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.journal import (
    AMOUNT_MAX,
    LEGS_MAX,
    Account,
    Entry,
    EntryKind,
    JournalError,
    Leg,
    Role,
    TrialBalance,
    reversal,
    sides,
    trial_balance,
)
from tests.unit.ledger.books import INSURED, VISITED, account, claim_legs, pending, posted

PAYABLE = account(INSURED, Role.PAYABLE, VISITED)
EXPENSE = account(INSURED, Role.FUND_EXPENSE, INSURED)


def test_an_account_is_known_by_its_code() -> None:
    assert PAYABLE.code == "330400/payable/310000/pooled"
    assert Account.parse("330400/payable/310000/pooled") == PAYABLE


@pytest.mark.parametrize(
    "code",
    [
        "",
        "330400/payable/310000",
        "330400/payable/310000/pooled/x",
        "330400/owed/310000/pooled",
        "330400/payable//pooled",
        "330400/payable/31 0000/pooled",
        "330400/payable/310000/Pooled",
        "3304/payable/310000/pooled",
        "330400/payable/310000/pooled\n",
    ],
)
def test_a_code_of_no_account_is_refused(code: str) -> None:
    with pytest.raises(JournalError):
        Account.parse(code)


@pytest.mark.parametrize("amount_fen", [0, -1, AMOUNT_MAX + 1])
def test_a_leg_moves_a_positive_bounded_amount(amount_fen: int) -> None:
    with pytest.raises(JournalError) as refused:
        Leg(debit=EXPENSE, credit=PAYABLE, amount_fen=amount_fen)
    assert refused.value.reason == "AMOUNT_OUT_OF_RANGE"


def test_a_leg_stays_in_one_book() -> None:
    other = account(VISITED, Role.RECEIVABLE, INSURED)
    with pytest.raises(JournalError) as refused:
        Leg(debit=other, credit=PAYABLE, amount_fen=1)
    assert refused.value.reason == "BOOKS_DIFFER"


def test_a_leg_stays_in_one_fund() -> None:
    with pytest.raises(JournalError) as refused:
        Leg(debit=replace(EXPENSE, fund="serious_illness"), credit=PAYABLE, amount_fen=1)
    assert refused.value.reason == "FUNDS_DIFFER"


def test_a_leg_moves_between_two_accounts() -> None:
    with pytest.raises(JournalError) as refused:
        Leg(debit=PAYABLE, credit=PAYABLE, amount_fen=1)
    assert refused.value.reason == "ACCOUNTS_SAME"


@pytest.mark.parametrize("kind", [EntryKind.VOIDED, EntryKind.EXPIRED])
def test_what_ends_a_pending_entry_without_effect_moves_nothing(kind: EntryKind) -> None:
    with pytest.raises(JournalError) as refused:
        Entry(entry_id="e2", kind=kind, legs=claim_legs(1), resolves="e1")
    assert refused.value.reason == "LEGS_FORBIDDEN"


@pytest.mark.parametrize("kind", [EntryKind.VOIDED, EntryKind.EXPIRED])
def test_a_voided_or_expired_entry_names_what_it_ends(kind: EntryKind) -> None:
    with pytest.raises(JournalError) as refused:
        Entry(entry_id="e2", kind=kind)
    assert refused.value.reason == "RESOLVES_MISSING"


def test_a_pending_entry_resolves_nothing() -> None:
    with pytest.raises(JournalError) as refused:
        replace(pending("e2"), resolves="e1")
    assert refused.value.reason == "PENDING_RESOLVES"


def test_an_entry_does_not_refer_to_itself() -> None:
    with pytest.raises(JournalError) as refused:
        posted("e1", resolves="e1")
    assert refused.value.reason == "REFERS_TO_ITSELF"


@pytest.mark.parametrize("entry_id", ["", " e", "e/1", "x" * 65, "分录"])
def test_an_entry_id_is_short_and_plain(entry_id: str) -> None:
    with pytest.raises(JournalError) as refused:
        pending(entry_id)
    assert refused.value.reason == "ENTRY_ID_MALFORMED"


def test_an_entry_has_a_bounded_number_of_legs() -> None:
    with pytest.raises(JournalError) as refused:
        Entry(entry_id="e", kind=EntryKind.POSTED, legs=claim_legs(1) * LEGS_MAX)
    assert refused.value.reason == "TOO_MANY_LEGS"


def test_an_all_cash_visit_has_an_entry_without_legs() -> None:
    assert Entry(entry_id="e", kind=EntryKind.POSTED).legs == ()


def test_a_reversal_takes_back_every_leg() -> None:
    original = posted("e1")
    back = reversal(original, entry_id="e2")
    assert back.reverses == "e1"
    assert [(leg.debit, leg.credit) for leg in back.legs] == [
        (leg.credit, leg.debit) for leg in original.legs
    ]
    totals = trial_balance(sides(original.legs + back.legs))
    assert all(line.difference_fen == 0 for line in totals)


def test_only_a_posted_entry_can_be_reversed() -> None:
    with pytest.raises(JournalError) as refused:
        reversal(pending("e1"), entry_id="e2")
    assert refused.value.reason == "NOT_POSTED"


def test_a_trial_balance_adds_up_per_book_and_fund() -> None:
    legs = claim_legs(100) + claim_legs(7, fund="serious_illness")
    assert trial_balance(sides(legs)) == (
        TrialBalance(VISITED, "pooled", 100, 100),
        TrialBalance(VISITED, "serious_illness", 7, 7),
        TrialBalance(INSURED, "pooled", 100, 100),
        TrialBalance(INSURED, "serious_illness", 7, 7),
    )
