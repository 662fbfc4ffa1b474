"""What a province needs is found before anything is opened, and named with the remedy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters import registry
from adapters.sm.keys import Sm2PrivateKey
from adapters.sm.selection import Selection, need_sm2
from gateway.config import ConfigError, RegionSettings
from gateway.demo.dev_keys import dev_key, dev_secrets
from gateway.region_connections import connection_of, connections_of
from gateway.secret_files import read_secrets

NOW = datetime(2025, 9, 10, 2, 30, tzinfo=UTC)
OVER = """province = "33"

[[signing]]
valid_from = 2025-01-01
source = "letter of the platform, made up for this test"
confidence = "medium"
scheme = "csb-hmac-sha1"
answers_signed = false
api_version = "1.0.0"
clock_unit_ms = 1000
"""


def random() -> bytes:
    return bytes(range(32))


def region(folder: Path, name: str, *, secrets: str = "", profile: str = "") -> RegionSettings:
    given = folder / f"{name}.toml"
    given.write_text(secrets or dev_secrets(name, random, sm2=True)[0], encoding="utf-8")
    over = folder / f"my-{name}.toml"
    over.write_text(profile, encoding="utf-8")
    values = {"base_url": "http://127.0.0.1:1", "profile": name, "secrets_file": given}
    return RegionSettings.model_validate(values | ({"profile_file": over} if profile else {}))


def test_every_declared_province_can_be_connected(tmp_path: Path) -> None:
    regions = {code: region(tmp_path, name) for code, name in registry.DECLARED.items()}
    assert set(connections_of(regions, NOW)) == set(registry.DECLARED.values())


def test_an_undeclared_province_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="没有省份 44 的适配器"):
        connection_of("44", region(tmp_path, "zhejiang"), NOW)
    with pytest.raises(ConfigError, match="profile 应为 jiangsu"):
        connection_of("32", region(tmp_path, "zhejiang"), NOW)


def test_a_site_s_own_sections_count_and_the_rest_is_as_it_ships(tmp_path: Path) -> None:
    connection = connection_of("33", region(tmp_path, "zhejiang", profile=OVER), NOW)
    shipped = registry.book_of("zhejiang").at(NOW.date())
    found = registry.book_of("zhejiang", connection.profile_file).at(NOW.date())
    assert (found.signing.scheme, found.signing.clock_unit_ms) == ("csb-hmac-sha1", 1000)
    assert found.wire == shipped.wire
    assert found.dictionary == shipped.dictionary


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('province = "33"', 'province = "32"', "province 写的是 32,这里应为 33"),
        ('province = "33"', "", "缺少:province"),
        ("[[signing]]", "[[singing]]", "没有这个设置项:singing"),
        ("[[signing]]", "[signing]", r"应写成一节或多节 \[\[signing\]\]"),
        ("csb-hmac-sha1", "none", r"\[\[signing\]\] scheme:应为 csb-hmac-sha1、"),
        ('api_version = "1.0.0"\n', "", r"\[\[signing\]\] scheme = csb-hmac-sha1 缺少:api_version"),
        ("api_version", 'hex_case = "upper"\napi_version', "hex_case:csb-hmac-sha1 不用此项"),
        ("= false", "= true", "answers_signed:csb-hmac-sha1 的应答没有签名"),
        ("= 1000", "= 60", r"clock_unit_ms:应为 1"),
        ("= 1000", '= "1000"', r"clock_unit_ms:应为整数,写的是 '1000'"),
        ("2025-01-01", "2026-01-01", r"\[\[signing\]\] 没有在 2025-09-10 已生效的一节"),
        ("[[signing]]", "[[signing", "不是有效的 TOML"),
        ('"letter of the platform, made up for this test"', '""', "source:写明出处"),
        ("= 1000", '= 1000\nsigned_fields = ["_api_nme"]', "signed_fields:csb-hmac-sha1 只认"),
        ("= 1000", "= 1000\nskew_ms = 0", "skew_ms:应大于 0"),
    ],
)
def test_a_wrong_file_is_refused_with_file_section_and_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert OVER.count(old)
    given = region(tmp_path, "zhejiang", profile=OVER.replace(old, new, 1))
    with pytest.raises(ConfigError, match=said) as refused:
        connection_of("33", given, NOW)
    if "已生效" not in said:
        assert "my-zhejiang.toml" in str(refused.value)
    assert refused.value.reason == "PROFILE_INVALID"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    given = region(tmp_path, "zhejiang").model_copy(update={"profile_file": tmp_path / "no.toml"})
    with pytest.raises(ConfigError, match=r"no\.toml:无法读取"):
        connection_of("33", given, NOW)


def test_secrets_hold_the_set_in_use_and_the_set_before(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    old, new = dev_secrets("shanghai", random, sm2=True)[0], 'access_key = "b"\nsecret = "2"\n'
    path.write_text(f"{new}\n[previous]\n{old}", encoding="utf-8")
    found = read_secrets(path)
    assert [live.key_id for live in found.live()] == ["b", "demo-yrd-shanghai"]
    assert found.sm2 is None
    assert found.previous is not None
    assert found.previous.sm2 is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("secret = 1", "应有 access_key 与 secret"),
        ('access_key = "a"', "应有 access_key 与 secret"),
        ('access_key = "a"\nsecret = "b"\nsecrets = "c"', "没有这个设置项:secrets"),
        ('access_key = "a"\nsecret = "b"\nsm2_private_key = "c"', "缺少 sm2_platform_key"),
        (
            'access_key = "a"\nsecret = "b"\nsm2_private_key = "c"\nsm2_platform_key = "d"',
            "sm2_private_key:PEM",
        ),
        ('access_key = "a"\nsecret = "b"\nprevious = "c"', r"应写成一节 \[previous\]"),
        ('access_key = "a"\nsecret = "b"\n[previous]\nsecret = "c"', r"\[previous\] 应有"),
        ("access_key", "无法读取"),
        ('access_key = "a"\nsecret = ""', "的 secret 是空的"),
        (
            'access_key = "a"\nsecret = "c"\n[previous]\naccess_key = ""\nsecret = ""',
            "access_key、",
        ),
        (
            'access_key = "a"\nsecret = "c"\n[previous]\naccess_key = "a"\nsecret = "d"\n'
            "valid_until = 9999-12-31",
            r"\[previous\] 的 valid_until 超出日历",
        ),
        (
            'access_key = "a"\nsecret = "c"\n[next]\naccess_key = "a"\nsecret = "d"\n'
            "valid_from = 0001-01-01",
            r"\[next\] 的 valid_from 超出日历",
        ),
    ],
)
def test_wrong_secrets_are_named_and_never_quoted(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as refused:
        read_secrets(path)
    assert '"b"' not in str(refused.value)


def test_secrets_without_the_keys_of_the_scheme_stop_the_start(tmp_path: Path) -> None:
    given = region(tmp_path, "shanghai", secrets='access_key = "demo-yrd-shanghai"\nsecret = "b"\n')
    with pytest.raises(ConfigError, match=r"regions\.31:.*缺少 SM2 密钥"):
        connection_of("31", given, NOW)
    short = dev_secrets("shanghai", random, sm2=True)[0].replace("demo-yrd-shanghai", "demo")
    with pytest.raises(ConfigError, match="至少 16 个字符"):
        connection_of("31", region(tmp_path, "shanghai", secrets=short), NOW)


def test_two_halves_of_different_sm2_keys_stop_the_start(tmp_path: Path) -> None:
    numbers = iter(range(7, 99))
    secrets = dev_secrets("shanghai", lambda: next(numbers).to_bytes(32, "big"), sm2=True)[0]
    one, other = dev_key(random), dev_key(lambda: bytes(32))
    mixed = Sm2PrivateKey(other.public, one.secret).pem.decode()
    begin, end = secrets.index("-----BEGIN PRIVATE"), secrets.index("-----END PRIVATE KEY-----")
    wrong = secrets[:begin] + mixed + secrets[end + len("-----END PRIVATE KEY-----\n") :]
    with pytest.raises(ConfigError, match=r"sm2_private_key:.*不成对"):
        connection_of("31", region(tmp_path, "shanghai", secrets=wrong), NOW)


def test_a_machine_without_sm2_does_not_start_and_says_which_peer_wants_it(tmp_path: Path) -> None:
    nothing = Selection(provider=None, self_test_us=0, dropped=())
    with pytest.raises(ConfigError, match=r"regions\.31:上海市 要求国密 SM2 签名") as refused:
        connection_of(
            "31", region(tmp_path, "shanghai"), NOW, lambda peer: need_sm2(peer, selection=nothing)
        )
    assert refused.value.reason == "SM2_UNAVAILABLE"
    assert str(refused.value).count("SM2_UNAVAILABLE") == 1
    assert "不会改用其他算法" in str(refused.value)


def test_what_begins_later_is_looked_for_at_the_start(tmp_path: Path) -> None:
    later = (
        OVER
        + """
[[signing]]
valid_from = 2026-03-01
source = "letter of the platform, made up for this test"
confidence = "medium"
scheme = "envelope-sm2"
answers_signed = true
"""
    )
    with pytest.raises(ConfigError, match="缺少 SM2 密钥"):
        connection_of("33", region(tmp_path, "zhejiang", profile=later), NOW)
