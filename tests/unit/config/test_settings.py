"""Settings: half a house is refused, and a mistyped word is not taken for obeyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import ConfigError, Environment, load_settings
from gateway.journeys.pace import PaceLimits

WHOLE = """
environment = "demo"
log_origin = "demo.yrd.example/test"
plaintext = true

[regions.33]
base_url = "http://127.0.0.1:1"
profile = "zhejiang"
secrets_file = "secrets/zhejiang.toml"
sandbox = true
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "yrd.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, WHOLE))
    assert settings.environment is Environment.DEMO
    assert settings.keys_dir == tmp_path / "keys"
    assert settings.regions["33"].secrets_file == tmp_path / "secrets" / "zhejiang.toml"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YRD_LISTEN", "127.0.0.1:9000")
    assert load_settings(written(tmp_path, WHOLE)).listen == "127.0.0.1:9000"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("plaintext = true", ""), r"缺少 \[tls\]"),
        (('environment = "demo"', ""), r"environment:缺少此项.*\[MISSING\]"),
        (('environment = "demo"', 'environment = "live"'), "'demo', 'test'、'production'"),
        (("plaintext = true", "plaintext = true\nquorum = -1"), "quorum:不能小于 0"),
        (("plaintext = true", 'plaintext = "perhaps"'), "plaintext:应为 true 或 false"),
        (("sandbox = true", "timeout_s = 0"), r"regions.33.timeout_s:应大于 0"),
        (("plaintext = true", "plaintext = true\nquorum = 2"), "quorum、witnesses"),
        (('environment = "demo"', 'environment = "production"'), "生产环境不允许"),
        (
            ("plaintext = true", "plaintext = true\nlisten_on = 1"),
            r"listen_on:没有.*\[EXTRA_FORBIDDEN\]",
        ),
        (
            ('log_origin = "demo.yrd.example/test"', "log_origin = ["),
            r"不是有效的 TOML.*\[NOT_TOML\]",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        load_settings(written(tmp_path, WHOLE.replace(*change)))


def test_a_mistyped_variable_is_refused_with_the_one_that_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YRD_LISTN", "127.0.0.1:9000")
    with pytest.raises(ConfigError, match="YRD_LISTN 不是设置项,是否应为 YRD_LISTEN"):
        load_settings(written(tmp_path, WHOLE))


def test_variables_of_the_script_and_the_tests_are_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YRD_DATA", str(tmp_path))
    monkeypatch.setenv("YRD_REGIONS__33__TIMEOUT_S", "7")
    assert load_settings(written(tmp_path, WHOLE)).regions["33"].timeout_s == 7


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="demo --keep"):
        load_settings(tmp_path / "yrd.toml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('base_url = "10.0.0.1:8443"', r"regions\.33\.base_url:写法不符"),
        ('base_url = "ftp://10.0.0.1"', r"regions\.33\.base_url:写法不符"),
        ('base_url = "http://10.0.0.1"\ntls = { ca = "ca.pem" }', "明文"),
    ],
)
def test_an_address_that_would_not_do_what_it_seems_to_is_refused(
    tmp_path: Path, line: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        load_settings(written(tmp_path, WHOLE.replace('base_url = "http://127.0.0.1:1"', line)))


def test_a_provinces_own_bounds_go_before_those_for_all(tmp_path: Path) -> None:
    own = "\nreversals_per_minute = 60\nworker_places = 2\n"
    settings = load_settings(written(tmp_path, f"notices_per_minute = 900\n{WHOLE}{own}"))
    assert settings.reversals("33") == PaceLimits(places=2, per_minute=60)
    assert settings.notices("33") == PaceLimits(places=2, per_minute=900)
    assert settings.reversals("31") == PaceLimits(places=16, per_minute=600)


@pytest.mark.parametrize(
    "listen", ["9464", "localhost", "127.0.0.1:", "::1:9464", ":9464", "127.0.0.1:65536"]
)
def test_an_address_for_metrics_is_host_and_port(tmp_path: Path, listen: str) -> None:
    text = f'{WHOLE}\n[metrics]\nlisten = "{listen}"\n'
    with pytest.raises(ConfigError, match=r"metrics\.listen"):
        load_settings(written(tmp_path, text))


def test_metrics_are_off_until_they_are_asked_for_and_then_on_loopback(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, WHOLE)).metrics is None
    asked = load_settings(written(tmp_path, f"{WHOLE}\n[metrics]\n")).metrics
    assert asked is not None and asked.listen == "127.0.0.1:9464"
