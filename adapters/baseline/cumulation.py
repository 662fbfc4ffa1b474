"""累计: 5206 → what this insured person has used up in the insurance year.

Pure. Amounts are integer fen, stays a count. The year is the insured region's own; a code that our
dictionary lacks is left out. Hints for pre-check and audit, never proof: the region computes.
Source: national interface 5206; the meaning of cum_type_code is OUR ASSUMPTION (profile.toml).
"""

from __future__ import annotations

from adapters.baseline.amounts import fen
from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.nodes import required, rows, text
from adapters.baseline.profile import Accumulator, Dictionary
from adapters.baseline.wire import Node
from gateway.domain.benefits import Accumulators

PATH = "output.cuminfo"


def read(output: Node, scheme_code: str, dictionary: Dictionary) -> Accumulators:
    """Of one scheme. Raises BrokenAnswer where one code has two values (two years in it)."""
    found: dict[Accumulator, int] = {}
    for row in rows(output, "cuminfo", "output"):
        if text(row, "insutype", PATH) != scheme_code:
            continue
        kind = dictionary.accumulators.get(required(row, "cum_type_code", PATH))
        if kind is None:
            continue
        if kind in found:
            raise BrokenAnswer(PATH, f"{kind.value} twice")
        found[kind] = fen(row.get("cum"), f"{PATH}.cum")
    stays, rest = divmod(found.get(Accumulator.STAYS, 0), 100)
    if rest:
        raise BrokenAnswer(PATH, "a fraction of a stay")
    return Accumulators(
        outpatient_deductible_used_fen=found.get(Accumulator.OUTPATIENT_DEDUCTIBLE, 0),
        inpatient_deductible_used_fen=found.get(Accumulator.INPATIENT_DEDUCTIBLE, 0),
        pooled_paid_fen=found.get(Accumulator.POOLED, 0),
        outpatient_pooled_paid_fen=found.get(Accumulator.OUTPATIENT_POOLED, 0),
        outpatient_in_scope_fen=found.get(Accumulator.OUTPATIENT_IN_SCOPE, 0),
        large_sum_paid_fen=found.get(Accumulator.LARGE_SUM, 0),
        stays_so_far=stays,
    )
