"""Trust policies: the example of C2SP tlog-policy, what is none, and whom a policy believes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ledger.checkpoint import issue_checkpoint
from ledger.cosignature import with_cosignatures
from ledger.merkle import leaf_hash
from ledger.note import NoteInvalid, split_note
from ledger.policy import (
    ALWAYS,
    KeyDates,
    KeyOutOfDate,
    Log,
    Policy,
    PolicyMalformed,
    PolicyUnmet,
    Witness,
    parse_policy,
)
from tests.unit.ledger.books import cosigner, signer

LOG, OTHER_LOG = signer(), signer("other.test/log")
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
KEYS = {name: cosigner(f"{name.lower()}.test/w") for name in NAMES}
NOTE = issue_checkpoint(42, leaf_hash(b"root"), LOG).note
TEXT = split_note(NOTE)[0]
AT = 1_763_958_000
W = {name: f"witness {name} {key.vkey}\n" for name, key in KEYS.items()}
EXAMPLE = f"""\
log {LOG.vkey}

{W["X1"]}{W["X2"]}{W["X3"]}group X-witnesses 2 X1 X2 X3

\t# an operator of its own
{W["Y1"]}{W["Y2"]}{W["Y3"]}group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
 quorum\tX-and-Y\x20
"""


def cosigned(*names: str, at: int = AT) -> str:
    return with_cosignatures(NOTE, [KEYS[name].cosign(TEXT, at) for name in names])


@pytest.mark.parametrize(
    ("names", "met"),
    [
        (("X1", "X2", "Y3"), True),
        (("X1", "X3", "Y1", "Y2"), True),
        (NAMES, True),
        (("X1", "X2", "X3"), False),
        (("X1", "Y1", "Y2", "Y3"), False),
        ((), False),
    ],
)
def test_the_example_of_the_specification_asks_for_two_of_one_and_one_of_the_other(
    names: tuple[str, ...], met: bool
) -> None:
    policy = parse_policy(EXAMPLE.encode())
    if met:
        witnessed = policy.judge(cosigned(*names))
        assert witnessed.checkpoint.size == 42
        assert len(witnessed.cosignatures) == len(names)
    else:
        with pytest.raises(PolicyUnmet, match="X-and-Y"):
            policy.judge(cosigned(*names))


def test_a_policy_is_written_as_it_is_read() -> None:
    policy = parse_policy(EXAMPLE.encode())
    assert parse_policy(policy.to_text().encode()) == policy


def test_no_quorum_asks_for_the_log_alone() -> None:
    assert parse_policy(b"quorum none\n").logs == ()
    policy = parse_policy(f"log {LOG.vkey} https://log.test\nquorum none\n".encode())
    assert policy.judge(NOTE).checkpoint.origin == "log.test/yrd"
    assert policy.logs[0].url == "https://log.test"


def test_a_single_witness_may_be_the_quorum() -> None:
    policy = parse_policy(f"{W['X1']}log {LOG.vkey}\nquorum X1\n".encode())
    policy.judge(cosigned("X1"))
    with pytest.raises(PolicyUnmet):
        policy.judge(cosigned("X2"))


def test_any_of_the_logs_will_do_and_no_other() -> None:
    policy = parse_policy(f"log {OTHER_LOG.vkey}\nlog {LOG.vkey}\nquorum none\n".encode())
    assert policy.judge(NOTE).checkpoint.origin == "log.test/yrd"
    with pytest.raises(NoteInvalid):
        parse_policy(f"log {OTHER_LOG.vkey}\nquorum none\n".encode()).judge(NOTE)
    with pytest.raises(NoteInvalid):
        parse_policy(b"quorum none\n").judge(NOTE)


def test_a_name_is_octets_and_not_letters() -> None:
    kelvin = "\u212a".encode()
    text = W["X1"].replace("X1", "K", 1).encode() + b"quorum " + kelvin + b"\n"
    with pytest.raises(PolicyMalformed, match="line 2"):
        parse_policy(text)
    parse_policy(W["X1"].encode().replace(b"X1", b"\xff\xfe", 1) + b"quorum \xff\xfe\n")


MALFORMED = [
    ("", "exactly one quorum"),
    ("quorum none\nquorum none\n", "line 2"),
    ("quorum none", "newline"),
    ("quorum\n", "line 1"),
    ("quorum X1\n" + W["X1"], "line 1"),
    ("quorum none none\n", "line 1"),
    ("Quorum none\n", "line 1"),
    ("quorum none\r\n", "line 1"),
    ("quorum none\x00\n", "line 1"),
    (f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n", "line 2"),
    (f"log {LOG.vkey} https://a https://b\nquorum none\n", "line 1"),
    (f"log {KEYS['X1'].vkey}\nquorum none\n", "line 1"),
    (f"witness X1 {LOG.vkey}\nquorum none\n", "line 1"),
    ("log nonsense\nquorum none\n", "line 1"),
    (W["X1"] + W["X1"].replace("X1", "X2", 1) + "quorum none\n", "line 2"),
    (W["X1"] + W["X2"].replace("X2", "X1", 1) + "quorum none\n", "line 2"),
    (W["X1"].replace("X1", "none", 1) + "quorum none\n", "line 1"),
    (W["X1"] + "group X1 any X1\nquorum none\n", "line 2"),
    (W["X1"] + "group g any\nquorum none\n", "line 2"),
    (W["X1"] + "group g 0 X1\nquorum none\n", "line 2"),
    (W["X1"] + "group g 2 X1\nquorum none\n", "line 2"),
    (W["X1"] + "group g 01 X1\nquorum none\n", "line 2"),
    (W["X1"] + "group g two X1\nquorum none\n", "line 2"),
    (W["X1"] + "group g 1 X1 X1\nquorum none\n", "line 2"),
    (W["X1"] + "group g 1 X1\ngroup h 1 X1\nquorum none\n", "line 3"),
    (W["X1"] + "group g 1 X2\n" + W["X2"] + "quorum none\n", "line 2"),
    (W["X1"] + "group g 1 g\nquorum none\n", "line 2"),
    (W["X1"] + "group g any none\nquorum none\n", "line 2"),
]


@pytest.mark.parametrize(("text", "why"), MALFORMED)
def test_what_is_no_policy_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(PolicyMalformed, match=why):
        parse_policy(text.encode())


def witness(name: str, **dates: int) -> Witness:
    return Witness(name, KEYS[name].verifier, dates=KeyDates(**dates))


def test_k_of_n_counts_each_witness_once() -> None:
    policy = Policy.k_of(2, [witness("X1"), witness("X2"), witness("X3")], [Log(LOG.verifier)])
    policy.judge(cosigned("X1", "X3"))
    twice = with_cosignatures(cosigned("X1"), [KEYS["X1"].cosign(TEXT, AT + 1)])
    with pytest.raises(PolicyUnmet, match="X1"):
        policy.judge(twice)
    assert parse_policy(policy.to_text().encode()).quorum == policy.quorum
    Policy.k_of(0, [witness("X1")], [Log(LOG.verifier)]).judge(NOTE)
    for impossible in (-1, 2):
        with pytest.raises(PolicyMalformed):
            Policy.k_of(impossible, [witness("X1")])


def test_a_witness_past_its_date_does_not_count() -> None:
    policy = Policy.k_of(1, [witness("X1", first=AT, last=AT + 10)], [Log(LOG.verifier)])
    policy.judge(cosigned("X1", at=AT))
    policy.judge(cosigned("X1", at=AT + 10))
    for outside in (AT - 1, AT + 11):
        with pytest.raises(PolicyUnmet, match="outside their dates"):
            policy.judge(cosigned("X1", at=outside))


def test_a_log_key_past_its_date_is_refused_by_the_time_that_witnesses_name() -> None:
    dated = Log(LOG.verifier, dates=KeyDates(last=AT))
    policy = Policy.k_of(1, [witness("X1"), witness("X2")], [dated])
    policy.judge(cosigned("X1", at=AT))
    mixed = with_cosignatures(cosigned("X1", at=AT), [KEYS["X2"].cosign(TEXT, AT + 1)])
    assert len(policy.judge(mixed).cosignatures) == 1
    with pytest.raises(KeyOutOfDate, match=r"its witnesses say 2025.*x1\.test"):
        policy.judge(cosigned("X1", at=AT + 1), now=AT)


def test_a_log_key_without_witnesses_is_judged_by_the_present() -> None:
    policy = Policy((Log(LOG.verifier, dates=KeyDates(first=AT, last=AT)),), ())
    policy.judge(NOTE, now=AT)
    for now in (None, AT - 1, AT + 1):
        with pytest.raises(KeyOutOfDate, match="is good for"):
            policy.judge(NOTE, now=now)


def test_a_bad_signature_of_a_trusted_witness_is_no_matter_of_counting() -> None:
    policy = Policy.k_of(1, [witness("X1"), witness("X2")], [Log(LOG.verifier)])
    note = with_cosignatures(cosigned("X1"), [KEYS["X2"].cosign("x\n", AT)])
    with pytest.raises(NoteInvalid):
        policy.judge(note)


def test_days_are_days_of_shanghai_and_both_ends_are_included() -> None:
    dates = KeyDates.of_days(date(2026, 1, 1), date(2026, 12, 31))
    assert dates.first == 1_767_196_800  # 2025-12-31T16:00:00Z
    assert dates.last == 1_798_732_799  # 2026-12-31T15:59:59Z
    assert dates.days() == ("2026-01-01", "2026-12-31")
    assert KeyDates.of_days(None, None) == ALWAYS and str(ALWAYS) == "- … -"
    with pytest.raises(ValueError, match="after"):
        KeyDates.of_days(date(2026, 1, 2), date(2026, 1, 1))


def test_a_policy_past_its_own_date_says_nothing_of_what_came_later() -> None:
    policy = replace(Policy.k_of(1, [witness("X1")], [Log(LOG.verifier)]), dates=KeyDates(last=AT))
    policy.judge(cosigned("X1", at=AT))
    with pytest.raises(KeyOutOfDate, match="the policy is good for"):
        policy.judge(cosigned("X1", at=AT + 1))


def test_a_time_beyond_all_calendars_is_told_as_it_is() -> None:
    policy = Policy.k_of(1, [witness("X1")], [Log(LOG.verifier, dates=KeyDates(last=AT))])
    with pytest.raises(KeyOutOfDate, match="second 9223372036854775807"):
        policy.judge(cosigned("X1", at=2**63 - 1))


DATED = (
    f"log {LOG.vkey}\n{W['X1']}quorum X1\n"
    "# yrd-valid log log.test/yrd 2025-01-01 2026-12-31 as agreed\n"
    "# yrd-valid witness X1 - 2026-06-30\n"
    "# yrd-valid policy 2025-01-01 -\n"
    "# valid until we say otherwise\n"
)


def test_dates_stand_in_comments_that_others_pass_over() -> None:
    policy = parse_policy(DATED.encode())
    assert str(policy.logs[0].dates) == "2025-01-01 … 2026-12-31"
    assert str(policy.witnesses[0].dates) == "- … 2026-06-30"
    assert str(policy.dates) == "2025-01-01 … -"
    assert parse_policy(policy.to_text().encode()) == policy


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("# yrd-valid witness X2 - -", "X2 has dates and is not named here"),
        ("# yrd-valid witness X1 - -", "line 8: witness X1 has dates already"),
        ("# yrd-valid somebody X1 - -", "line 8: # yrd-valid"),
        ("# yrd-valid log log.test/yrd -", "line 8"),
        ("# yrd-valid log log.test/other 2026-02-30 -", "line 8"),
        ("# yrd-valid log log.test/other 2026-02-02 2026-02-01", "line 8.*after"),
        ("# yrd-valid", "line 8"),
    ],
)
def test_a_slip_of_the_pen_in_dates_is_refused(line: str, why: str) -> None:
    with pytest.raises(PolicyMalformed, match=why):
        parse_policy(f"{DATED}{line}\n".encode())
