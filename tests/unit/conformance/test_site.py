"""The file of a trial's people is read strictly, and shows nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.registry import DECLARED
from gateway.conformance.site import SiteError, parse_site, site_of

NOW = datetime(2025, 9, 10, 2, 30, tzinfo=UTC)
TEXT = """
name_zh = "示例测试平台"
test_platform = "https://test.example:8443"
insured_region = "310118"

[institution]
code = "H00320000001"
name = "示例吴江中心医院"
region = "320509"
level = "tertiary"

[person]
name = "测试甲一"
id_number = "003118198503120118"

[[line]]
item = "SYN-XA01-0001"
quantity = "9"
price = "28.505"
"""


def test_a_site_is_read_with_its_bill_to_the_fen() -> None:
    site = parse_site(TEXT, "people.toml")
    bill = site.bill("B1", NOW)
    assert bill.total_fen == 25_655
    assert bill.lines[0].unit_price == Decimal("28.505")
    assert site.patient.certificate_number == site.patient.id_number
    assert site.test_platform == "https://test.example:8443"


@pytest.mark.parametrize("profile", DECLARED.values())
def test_every_stand_in_has_a_site_and_none_names_a_platform(profile: str) -> None:
    site = site_of(profile)
    assert site.test_platform == ""
    assert site.institution.region[:2] != site.insured_region[:2]


def test_a_site_shows_nobody() -> None:
    site = parse_site(TEXT, "people.toml")
    assert "003118" not in repr(site)
    assert "测试甲一" not in repr(site)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('level = "tertiary"', 'level = "best"', "institution.level"),
        ('code = "H00320000001"', 'code = "H1"', "institution.code"),
        ('price = "28.505"', 'price = "many"', "line[0].price"),
        ('quantity = "9"', 'quantity = "-1"', "大于 0"),
        ('name = "测试甲一"', 'nome = "测试甲一"', "person.nome"),
        ('item = "SYN-XA01-0001"', "", "line[0].item"),
        ('name_zh = "示例测试平台"', "", "name_zh"),
        ('insured_region = "310118"', "insured_region = 310118", "insured_region"),
        ("[person]", '[person]\ncertificate = "passport"', "person.certificate"),
        ("[[line]]", "[line]", "[[line]]"),
        ("[institution]", "[institution", "TOML"),
    ],
)
def test_a_wrong_site_names_the_key(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(SiteError) as refused:
        parse_site(TEXT.replace(old, new, 1), "people.toml")
    assert "people.toml" in str(refused.value)
    assert said in str(refused.value)
