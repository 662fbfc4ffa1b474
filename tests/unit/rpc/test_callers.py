"""Whom one process of ours found in a certificate is whom the other process hears of."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gateway.domain.errors import Forbidden
from gateway.rpc.identity import Callers
from tests.unit.rpc.samples import NOW

CERTIFICATES = [
    ["urn:yrd:role:auditor"],
    ["urn:yrd:role:operator"],
    ["urn:yrd:role:operator", "urn:yrd:operator:wang"],
    ["urn:yrd:role:auditor", "urn:yrd:role:operator", "urn:yrd:operator:li.4"],
    ["urn:yrd:role:auditor", "urn:yrd:operator:li", "urn:other:name"],
]


def callers(names: list[str]) -> Callers:
    return Callers(institutions={}, now=lambda: NOW, names=lambda _: names)


@pytest.mark.parametrize("names", CERTIFICATES)
def test_a_forwarded_caller_is_the_same_caller(names: list[str]) -> None:
    context = cast("Any", None)
    found = callers(names).anyone(context)
    assert callers(found.names()).anyone(context) == found
    if "urn:yrd:role:operator" in names:
        assert callers(found.names()).operator(context) == callers(names).operator(context)
    else:
        # A name alone decides nothing.
        with pytest.raises(Forbidden):
            callers(names).operator(context)
