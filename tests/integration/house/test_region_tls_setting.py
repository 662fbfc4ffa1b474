"""`yrd check-config` on a region's keys and certificates."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.house.command import yrd
from tests.integration.rpc.authority import Authority, Pair

REGION = "地区 31"


def told(data: Path) -> tuple[bool, str]:
    """What is said of one region."""
    rows = json.loads(yrd("check-config", "--data", data, "--json")[1])["checks"]
    found = next(row for row in rows if row["what"] == REGION)
    return found["ok"], found["text_zh"]


def show(data: Path, pair: Pair, ca: Path) -> None:
    """Name these files in the settings."""
    settings = data / "yrd.toml"
    text = settings.read_text(encoding="utf-8").split("\n[regions.31.tls]")[0]
    text = text.replace('base_url = "http://127.0.0.1:8431"', 'base_url = "https://127.0.0.1:8431"')
    names = {"ca": ca, "certificate": pair.certificate, "key": pair.key}
    lines = "".join(f'{name} = "{path}"\n' for name, path in names.items())
    settings.write_text(f"{text}\n[regions.31.tls]\n{lines}", encoding="utf-8")


def test_it_is_told_until_when_our_certificate_is_good(data: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    show(data, authority.client("urn:hospital"), authority.root)
    ok, text = told(data)
    assert ok and "客户端证书有效至" in text


def test_a_certificate_that_has_ended_or_lacks_its_key_is_named(data: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    ended = authority.client("urn:hospital", expired=True)
    show(data, ended, authority.root)
    ok, text = told(data)
    assert not ok and "到期:请更换" in text
    show(data, Pair(ended.certificate, authority.client("urn:other").key), authority.root)
    ok, text = told(data)
    assert not ok and "regions.31.tls" in text and "TLS_UNFIT" in text


def test_it_is_told_that_two_sets_of_keys_are_live(data: Path) -> None:
    path = data / "secrets" / "jiangsu.toml"
    own = path.read_text(encoding="utf-8")
    path.write_text(f"{own}\n[next]\nvalid_from = 2199-01-01\n{own}", encoding="utf-8")
    rows = json.loads(yrd("check-config", "--data", data, "--json")[1])["checks"]
    text = next(row["text_zh"] for row in rows if row["what"] == "地区 32")
    assert "密钥轮换中(2 组有效)" in text
