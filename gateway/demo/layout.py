"""数据目录: what lies where in a data directory, and making a fresh one for demo or test.

    yrd.toml           settings          participants.toml  institutions that may call
    agreements.toml    what regions have agreed about prepayments; only where it is asked for
    yrd.db             the database      keys/              key files (mode 0700)
    secrets/*.toml     signing secrets   tls/               CA, server and client certificates
    sandbox/           state and secrets of the stand-in platforms
    profiles/          sections of profiles that this machine cannot speak; only without SM2
    logs/ receipts/    log, receipts     checkpoint.txt, vkey   the log's newest head and key
    log/ log-entries/  the transparency log as static files; the latter not for everyone

A data directory may be moved: every path in yrd.toml is relative to it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path

from adapters.sm.selection import sm2
from gateway.demo.dev_ca import AUDITOR_URI, OPERATOR_URIS, DevCa, institution_uri
from gateway.demo.dev_keys import SIGN_BY_SM2, dev_secrets, weaker_profile
from gateway.domain.business_day import business_day
from ledger.cosignature import Cosigner

PROVINCES = {"31": "shanghai", "32": "jiangsu", "33": "zhejiang"}
"""Province digits → adapter profile and stand-in platform."""
STAND_INS = (*PROVINCES.values(), "anhui")
"""Every platform that has secrets here; the demonstration's house starts the three above."""
AGREEMENTS = "agreements.toml"
GATEWAY_PORT = 8430
SANDBOX_PORTS = {"31": 8431, "32": 8432, "33": 8433}
"""Written into yrd.toml for whoever starts the parts one by one; `yrd demo` takes free ports."""


class DirectoryInUse(Exception):
    """The directory holds something already; nothing was written."""


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths below one data directory."""

    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "yrd.toml"

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def sandbox(self) -> Path:
        return self.root / "sandbox"

    @property
    def receipts(self) -> Path:
        return self.root / "receipts"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def vkey(self) -> Path:
        return self.root / "vkey"

    @property
    def sm2_vkey(self) -> Path:
        """The log's SM2 public key; there only where the operator has put it."""
        return self.root / "sm2-vkey"

    @property
    def checkpoint(self) -> Path:
        return self.root / "checkpoint.txt"

    @property
    def address(self) -> Path:
        """host:port of the gateway that serves this directory; there only while it runs."""
        return self.root / "gateway.address"

    def secrets(self, province: str) -> Path:
        """By profile name, e.g. shanghai."""
        return self.root / "secrets" / f"{province}.toml"

    def platform_secrets(self, province: str) -> Path:
        """What its stand-in platform holds: the other side of `secrets`."""
        return self.sandbox / province / "secrets.toml"

    def profile(self, province: str) -> Path:
        """Sections that replace the shipped profile's; there only where the machine has no SM2."""
        return self.root / "profiles" / f"{province}.toml"


def create_data_dir(
    root: Path,
    *,
    now: datetime,
    random: Callable[[], bytes],
    agreements: bool = False,
    can_sm2: bool | None = None,
) -> DataDir:
    """Fill an empty or missing directory. `random` gives 32 random bytes a call; `agreements` adds
    a synthetic one about a prepayment, from today on. `can_sm2`: whether this machine signs with
    SM2 (None: ask it); where it does not, profiles/ says what is spoken instead.

    Raises DirectoryInUse if anything but an empty directory is there.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DirectoryInUse(str(root))
    # Import late: the database layer costs half a second and only this path needs its keys.
    from gateway.store.keyring import create_keys

    place = DataDir(root)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    root.chmod(0o700)
    for folder in (place.tls, place.sandbox, place.receipts, place.logs, root / "secrets"):
        folder.mkdir(mode=0o700)
    origin = f"demo.yrd.example/{random().hex()[:8]}"
    vkey = create_keys(root / "keys", origin=origin, salt=random)
    place.vkey.write_text(vkey + "\n", encoding="ascii")
    institutions = read_institutions()
    _write_certificates(place, now, institutions)
    signs = sm2().can_sign if can_sm2 is None else can_sm2
    _write_secrets(place, random, signs)
    (root / "participants.toml").write_text(_participants(institutions), encoding="utf-8")
    witnesses = {name: _write_witness(place, name, random) for name in PROVINCES.values()}
    settings = _settings(origin, witnesses, frozenset() if signs else SIGN_BY_SM2)
    if agreements:
        (root / AGREEMENTS).write_text(_agreements(business_day(now)), encoding="utf-8")
        settings = settings.replace("\nlisten =", f'\nagreements = "{AGREEMENTS}"\nlisten =', 1)
    place.settings.write_text(settings, encoding="utf-8")
    return place


def _agreements(day: date) -> str:
    parties = 'insured = "330400"\nvisited = "310000"\nfund = "pooled"'
    source = "SYNTHETIC: made up for the demonstration"
    return f"""# 清算协议 · SYNTHETIC: made up for the demonstration; no region has agreed to this.

[[prepayment]]
id = "syn-jiaxing-shanghai"
{parties}
floor_yuan = "20000.00"
enforcement = "warn"
valid_from = {day}
source = "{source}"
confidence = "unverified"

[[payment]]
id = "syn-jiaxing-shanghai-1"
{parties}
amount_yuan = "100000.00"
paid_on = {day}
source = "{source}"
"""


def read_institutions() -> list[dict[str, str]]:
    """The synthetic institutions that the stand-in platforms know."""
    seed = files("adapters.sandbox").joinpath("seed", "institutions.toml")
    found: list[dict[str, str]] = tomllib.loads(seed.read_text(encoding="utf-8"))["institution"]
    return found


def _write_certificates(place: DataDir, now: datetime, institutions: list[dict[str, str]]) -> None:
    ca = DevCa(now)
    (place.tls / "ca.pem").write_bytes(ca.certificate)
    ca.server().write(place.tls, "server")
    for institution in institutions:
        code = institution["code"]
        ca.client(code, institution_uri(code)).write(place.tls, code)
    ca.client("auditor", AUDITOR_URI).write(place.tls, "auditor")
    ca.client("operator", *OPERATOR_URIS).write(place.tls, "operator")


def _write_secrets(place: DataDir, random: Callable[[], bytes], signs: bool) -> None:
    for province in STAND_INS:
        ours, theirs = dev_secrets(province, random, sm2=signs)
        place.platform_secrets(province).parent.mkdir(mode=0o700)
        for path, text, whose in (
            (place.secrets(province), ours, "the gateway"),
            (place.platform_secrets(province), theirs, "the stand-in platform"),
        ):
            path.touch(mode=0o600)
            head = f"# Signing secrets of one province, as {whose} holds them.\n"
            path.write_text(head + text, encoding="ascii")
        if province in SIGN_BY_SM2 and not signs:
            place.profile(province).parent.mkdir(mode=0o700, exist_ok=True)
            place.profile(province).write_text(weaker_profile(province), encoding="utf-8")


def _write_witness(place: DataDir, province: str, random: Callable[[], bytes]) -> str:
    """The key with which a stand-in platform cosigns checkpoints; answers its vkey."""
    seed = random()
    path = place.sandbox / province / "witness.key"
    path.touch(mode=0o600)
    path.write_text(seed.hex(), encoding="ascii")
    return Cosigner.from_seed(f"sandbox.yrd.example/{province}", seed).vkey


def _participants(institutions: list[dict[str, str]]) -> str:
    head = (
        "# 参与机构: who may call this gateway, by the code in the certificate's SAN.\n"
        "# region: 6 digits, where its claims are visited; level: primary, secondary or tertiary.\n"
    )
    rows = [
        f'\n[[institution]]\ncode = "{i["code"]}"\nname = "{i["name"]}"\nregion = "{i["area"]}"\n'
        f'level = "{i["level"]}"\nvalid_from = 2023-01-01\n'
        for i in institutions
    ]
    return head + "".join(rows)


def _settings(origin: str, witnesses: Mapping[str, str], weaker: Set[str]) -> str:
    """`weaker`: provinces that speak by profiles/ instead of their own profile."""
    profiles = {
        name: f'profile_file = "profiles/{name}.toml"\n' if name in weaker else ""
        for name in PROVINCES.values()
    }
    regions = "".join(
        f"""
[regions.{code}]
base_url = "http://127.0.0.1:{SANDBOX_PORTS[code]}"
profile = "{name}"
secrets_file = "secrets/{name}.toml"
{profiles[name]}sandbox = true
"""
        for code, name in PROVINCES.items()
    )
    watching = "".join(
        f"""
[witnesses.{name}]
url = "http://127.0.0.1:{SANDBOX_PORTS[code]}/witness"
vkey = "{witnesses[name]}"
"""
        for code, name in PROVINCES.items()
    )
    return f"""# Settings of one gateway, made for demonstration; `yrd check-config` reads them.
# The environment wins over this file: YRD_LISTEN=127.0.0.1:9000 yrd serve …

environment = "demo"
log_origin = "{origin}"
listen = "127.0.0.1:{GATEWAY_PORT}"
log_file = "logs/gateway.jsonl"
# A demonstration does not wait: in real life a lost reply gets 30 s before it is reversed.
resolve_after_ms = 400
worker_interval_ms = 100
reversals_per_minute = 6000
checkpoint_interval_ms = 100
# So many of the witnesses below must have cosigned a checkpoint before it is published as files.
quorum = 2

[tls]
certificate = "tls/server.pem"
key = "tls/server.key"
client_ca = "tls/ca.pem"
{regions}{watching}"""
