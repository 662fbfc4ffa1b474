"""医保区划: codes, pooling regions, and whom we serve."""

from __future__ import annotations

import pytest

from gateway.domain.errors import Malformed
from gateway.domain.region import (
    RegionUnknown,
    is_cross_province,
    is_elsewhere,
    is_served,
    pooling_region_of,
    region_of,
)


@pytest.mark.parametrize(
    ("code", "pooling"),
    [
        ("310118", "310000"),
        ("310000", "310000"),
        ("320509", "320500"),
        ("320500", "320500"),
        ("330421", "330400"),
        ("131199", "131100"),
        ("440304", "440300"),
    ],
)
def test_shanghai_pools_as_one_and_others_by_city(code: str, pooling: str) -> None:
    assert pooling_region_of(code) == pooling


def test_a_served_county_has_its_name_and_its_pooling_region() -> None:
    region = region_of("330421")
    assert (region.name_zh, region.pooling, region.province) == ("嘉善县", "330400", "33")


def test_a_district_we_do_not_know_by_name_is_served_under_its_pooling_region() -> None:
    assert region_of("310104").name_zh == "上海市"


def test_a_region_we_do_not_serve_is_refused_with_the_callers_field() -> None:
    with pytest.raises(RegionUnknown) as refused:
        region_of("440300", field="insured_region")
    assert isinstance(refused.value, Malformed)
    (violation,) = refused.value.violations
    assert (violation.field, violation.reason) == ("insured_region", "REGION_NOT_SERVED")


@pytest.mark.parametrize("code", ["", "31", "3101180", "31011a", "310118\n", "٣١٠١١٨"])
def test_what_is_no_area_code_is_malformed_and_not_echoed(code: str) -> None:
    with pytest.raises(RegionUnknown) as refused:
        region_of(code)
    assert refused.value.violations[0].reason == "REGION_MALFORMED"
    assert not is_served(code)


def test_elsewhere_is_another_pooling_region_and_cross_province_another_province() -> None:
    assert not is_elsewhere("310118", "310104")
    assert is_elsewhere("320509", "320100") and not is_cross_province("320509", "320100")
    assert is_cross_province("320509", "310118")
