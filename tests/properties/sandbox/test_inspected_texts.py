"""Whatever text a message is: nobody's number is kept of it, and it can be taken apart."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.dissection import dissected
from adapters.sandbox.field_tables import Side
from adapters.sandbox.masking import masked
from adapters.sandbox.sums import sums_of
from adapters.sandbox.wire import Json

CERTNO = "003118198503120117"


@given(
    field=st.sampled_from(["psn_no", "certno", "mdtrt_cert_no", "card_sn", "tel"]),
    number=st.from_regex(r"[0-9A-Za-z]{7,30}", fullmatch=True),
    around=st.text(max_size=40),
    cut=st.integers(min_value=0, max_value=3),
)
def test_no_personal_number_survives_in_any_text(
    field: str, number: str, around: str, cut: int
) -> None:
    text = json.dumps({"before": around, field: number, "after": around}, ensure_ascii=False)
    kept = masked(text[: len(text) - cut])
    assert f'"{number}"' not in kept
    assert f'"{number[:3]}{"*" * (len(number) - 5)}{number[-2:]}"' in kept


@given(st.text(max_size=300))
def test_any_text_can_be_masked(text: str) -> None:
    assert CERTNO not in masked(f"{text} {CERTNO} {text}")


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
))  # fmt: skip
def test_anything_can_be_taken_apart(value: Json) -> None:
    for side in Side:
        for text in (
            json.dumps(value),
            json.dumps({"input": value, "output": {"setlinfo": value}}),
        ):
            assert dissected(text, "2207", side)
            sums_of(text)
