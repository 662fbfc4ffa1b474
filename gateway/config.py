"""Settings: from `yrd.toml` in the data directory and YRD_ environment variables; refuses half a
house.

Every field says what it is and its unit. Unknown keys are refused. Secrets are named by file path,
never by value. Relative paths are relative to the settings file.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from gateway.database import Database, parse_database, with_password
from gateway.domain.bill import VisitKind
from gateway.journeys.pace import PaceLimits
from gateway.journeys.statement_span import StatementRules
from ledger.cosignature import CosignatureVerifier
from ledger.note import KeyMalformed
from ledger.policy import KeyDates, Log, Policy, Witness


class Environment(StrEnum):
    """Set once at start; there is no default and no run-time switch."""

    DEMO = "demo"
    TEST = "test"
    PRODUCTION = "production"


ENVIRONMENT_ALSO = frozenset({
    "YRD_DATA", "YRD_VENV", "YRD_PYTHON", "YRD_SEED", "YRD_TEST_CAMPAIGN", "YRD_PG_BIN",
})  # fmt: skip
"""YRD_ variables that are no setting of the gateway: of the script, the commands and the tests."""

WRONG_ZH = {
    "missing": "缺少此项,必须写明",
    "extra_forbidden": "没有这个设置项,请核对名称",
    "enum": "应为 {expected}",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "bool_parsing": "应为 true 或 false",
    "bool_type": "应为 true 或 false",
    "string_type": "应为文本(加引号)",
    "path_type": "应为路径(加引号的文本)",
    "greater_than": "应大于 {gt}",
    "string_pattern_mismatch": "写法不符({pattern})",
    "greater_than_equal": "不能小于 {ge}",
    "model_type": "应为一组设置([…])",
    "dict_type": "应为一组设置([…])",
    "date_from_datetime_parsing": "应为日期,如 2027-12-31",
    "date_parsing": "应为日期,如 2027-12-31",
    "date_type": "应为日期,如 2027-12-31",
}
"""What pydantic found wrong, by its own stable codes."""


class ConfigError(Exception):
    """The settings cannot be used; the text (中文) says which key and what to do."""

    def __init__(self, text_zh: str, *, reason: str = "SETTINGS_INVALID") -> None:
        super().__init__(f"{text_zh} [{reason}]")
        self.reason = reason


class RegionTls(BaseModel):
    """TLS towards one province's platform, PEM files; read again when they change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca: Path | None = Field(
        None, description="CA of the platform's certificate; none, the system's trust store."
    )
    certificate: Path | None = Field(
        None, description="Our client certificate chain, where the platform asks for one."
    )
    key: Path | None = Field(None, description="Its private key, without a password.")

    @model_validator(mode="after")
    def _pair(self) -> RegionTls:
        if (self.certificate is None) is not (self.key is None):
            raise ValueError("certificate 与 key 须一并写明")
        return self

    def files(self) -> list[Path]:
        """All that is named."""
        return [path for path in (self.ca, self.certificate, self.key) if path is not None]


class RegionSettings(BaseModel):
    """One province's platform."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        pattern=r"^https?://[^/\s]+",
        description="Where the province's platform listens, e.g. http://127.0.0.1:8431",
    )
    profile: str = Field(
        description="Name of the adapter profile, a folder under adapters/, e.g. zhejiang."
    )
    profile_file: Path | None = Field(
        None,
        description="The site's own sections of that profile (docs/adding-a-province.md); none, as"
        " it ships.",
    )
    secrets_file: Path = Field(
        description="TOML file with the signing secrets of this province; read again when changed."
    )
    tls: RegionTls | None = Field(
        None, description="Whom to believe at an https address, and what to show there."
    )
    timeout_s: float = Field(20.0, gt=0, description="Longest wait for one answer, seconds.")
    worker_places: int | None = Field(
        None, ge=1, description="Of this province, instead of the setting for all."
    )
    reversals_per_minute: int | None = Field(
        None, ge=1, description="Of this province, instead of the setting for all."
    )
    notices_per_minute: int | None = Field(
        None, ge=1, description="Of this province, instead of the setting for all."
    )
    sandbox: bool = Field(False, description="True for a stand-in; refused in production.")

    @model_validator(mode="after")
    def _tls_is_used(self) -> RegionSettings:
        # Certificates beside a plain address would look as if they protected something.
        if self.tls is not None and not self.base_url.startswith("https://"):
            raise ValueError("写明了 [tls],base_url 却不是 https:// 地址,报文会以明文发送")
        return self


class TlsSettings(BaseModel):
    """mTLS material of the gRPC server, PEM files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate: Path = Field(description="Server certificate chain.")
    key: Path = Field(description="Server private key.")
    client_ca: Path = Field(description="CA that signs the institutions' client certificates.")


class WitnessSettings(BaseModel):
    """One witness that cosigns our log's checkpoints (C2SP tlog-witness)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Submission prefix: /add-checkpoint is appended to it.")
    vkey: str = Field(description="Its public key, name+hash+base64, type 0x04 or 0x06.")
    valid_from: date | None = Field(None, description="First day of the key, Asia/Shanghai.")
    valid_until: date | None = Field(None, description="Last day of the key, Asia/Shanghai.")
    dates_source: str = Field("", description="Who says so: the witness's letter, its certificate.")
    timeout_s: float = Field(5.0, gt=0, description="Longest wait for one answer, seconds.")


class ReconciliationSettings(BaseModel):
    """How statements are asked for. The interface says none of it: ours, or a region's letter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_s: float = Field(60.0, gt=0, description="Pause between two looks for what is due, s.")
    hour: int = Field(
        4, ge=0, le=23, description="From this hour of the next day on a day's statement is asked."
    )
    skew_s: int = Field(600, ge=0, description="How far a centre's clock may be from ours, s.")
    grace_s: int = Field(
        1800, ge=0, description="How long after we stopped waiting a message may take effect, s."
    )
    attempts_max: int = Field(
        10, ge=1, description="Statements asked for in vain before a person is told."
    )
    take_backs_max: int = Field(
        3, ge=0, description="How often what still stands is taken back before a person must look."
    )
    refunds_count: bool = Field(
        True, description="Whether a refund counts in fixmedins_setl_cnt (stated nowhere)."
    )
    outpatient_clearing_types: tuple[str, ...] = Field(
        ("11",),
        min_length=1,
        description="clr_type of outpatient visits, by the region's 1901.",
    )
    inpatient_clearing_types: tuple[str, ...] = Field(
        ("21",), min_length=1, description="clr_type of stays, by the region's 1901."
    )
    clearing_offices: dict[str, tuple[str, ...]] = Field(
        {}, description="统筹区 → clearing offices (清算经办机构) beside the 统筹区's own code."
    )

    def rules(self) -> StatementRules:
        """The same, as the journeys take it."""
        outpatient = self.outpatient_clearing_types
        return StatementRules(
            hour=self.hour,
            skew=timedelta(seconds=self.skew_s),
            grace=timedelta(seconds=self.grace_s),
            attempts_max=self.attempts_max,
            take_backs_max=self.take_backs_max,
            refunds_count=self.refunds_count,
            clearing_types={
                VisitKind.OUTPATIENT: outpatient,
                VisitKind.EMERGENCY: outpatient,
                VisitKind.INPATIENT: self.inpatient_clearing_types,
            },
            clearing_offices=self.clearing_offices,
        )


class MetricsSettings(BaseModel):
    """指标端口 (docs/metrics.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str = Field(
        "127.0.0.1:9464",
        pattern=r"^[^:]+:[0-9]{1,5}$|^\[[0-9a-fA-F:]+\]:[0-9]{1,5}$",
        description="host:port of GET /metrics, without TLS; port 0 = any free.",
    )

    @field_validator("listen")
    @classmethod
    def _port(cls, listen: str) -> str:
        if int(listen.rpartition(":")[2]) > 65_535:
            raise ValueError("端口应在 0 与 65535 之间")
        return listen


class Settings(BaseSettings):
    """Everything the gateway is told; frozen."""

    model_config = SettingsConfigDict(
        env_prefix="YRD_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    environment: Environment = Field(description="demo, test or production; must be said.")
    database: Annotated[Database, NoDecode, PlainValidator(parse_database)] = Field(
        Path("yrd.db"),
        description="SQLite file of the gateway, or postgresql+psycopg://USER@HOST/NAME.",
    )
    database_password_file: Path | None = Field(
        None, description="File with the password of the PostgreSQL user."
    )
    keys_dir: Path = Field(Path("keys"), description="Directory of key files, mode 0700.")
    log_origin: str = Field(
        description="Origin of the transparency log's first key, a schema-less URL; after"
        " `yrd log restart` the database says which origin is in force."
    )
    log_sm2_key: Path | None = Field(
        None, description="PEM file of an SM2 key that signs checkpoints too (docs/sm.md)."
    )
    outside_checkpoint: Path = Field(
        Path("checkpoint.txt"),
        description="fsynced copy of the newest checkpoint outside the database.",
    )
    witnesses: dict[str, WitnessSettings] = Field(
        {}, description="Name → a witness that is asked to cosign each checkpoint."
    )
    quorum: int = Field(
        0,
        ge=0,
        description="Cosignatures that a checkpoint needs before it is published as files.",
    )
    quorum_valid_from: date | None = Field(
        None, description="First day of witnesses and quorum as a trust policy, Asia/Shanghai."
    )
    quorum_valid_until: date | None = Field(
        None, description="Last day of witnesses and quorum as a trust policy, Asia/Shanghai."
    )
    quorum_source: str = Field("", description="The agreement that says so.")
    publish_tiles: bool = Field(True, description="Write the log as static tlog-tiles files.")
    tiles_dir: Path = Field(
        Path("log"), description="Where they go: checkpoint and tiles, for anyone to read."
    )
    entries_dir: Path = Field(
        Path("log-entries"),
        description="Where entry bundles go: to be served to authenticated readers only.",
    )
    participants: Path = Field(Path("participants.toml"), description="Institutions that may call.")
    agreements: Path | None = Field(
        None, description="Prepayment agreements (docs/limits.md); none, no limits."
    )
    listen: str = Field(
        "127.0.0.1:0", description="host:port of the gRPC server; port 0 = any free."
    )
    tls: TlsSettings | None = Field(
        None, description="mTLS files; required unless plaintext is set."
    )
    plaintext: bool = Field(False, description="Serve without TLS; refused in production.")
    log_file: Path | None = Field(None, description="JSON log file; stderr when unset.")
    regions: dict[str, RegionSettings] = Field(
        description="Province code (2 digits) → its platform."
    )
    checkpoint_interval_ms: int = Field(
        250, ge=20, description="Pause between signed checkpoints, ms."
    )
    worker_interval_ms: int = Field(500, ge=20, description="Pause between worker rounds, ms.")
    resolve_after_ms: int = Field(
        30_000,
        ge=0,
        description="Wait before a 2601 for an unknown outcome, ms: the original may be under way.",
    )
    reversal_retry_ms: int = Field(
        60_000, ge=1, description="First pause between 2601 attempts, ms; doubles."
    )
    reversal_attempts_max: int = Field(
        10, ge=1, description="2601 attempts before a person is asked."
    )
    reversals_per_minute: int = Field(
        600,
        ge=1,
        description="2601s a minute to one province at most; after an outage their rate grows from"
        " an eighth of that.",
    )
    notices_per_minute: int = Field(
        6_000, ge=1, description="Notices a minute to one province at most (outbox)."
    )
    worker_places: int = Field(
        16,
        ge=1,
        description="Calls at once to one province that no caller waits for: so many 2601s, and so"
        " many notices.",
    )
    reconciliation: ReconciliationSettings = Field(
        default_factory=lambda: ReconciliationSettings.model_validate({}),
        description="Statements (3201, 3202) about what is undecided.",
    )
    metrics: MetricsSettings | None = Field(
        None, description="Where monitoring may ask for figures; none, nowhere."
    )
    drain_ms: int = Field(
        10_000, ge=0, description="Longest wait for running calls at SIGTERM, ms."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The environment wins over the file: one value can be changed without editing it.
        return (env_settings, init_settings)

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        if self.tls is None and not self.plaintext:
            raise ValueError(
                "缺少 [tls]:请写明 certificate、key 与 client_ca,或设 plaintext = true"
            )
        if self.environment is Environment.PRODUCTION:
            if self.plaintext:
                raise ValueError("生产环境不允许 plaintext:请配置 [tls]")
            stand_ins = sorted(k for k, r in self.regions.items() if r.sandbox)
            if stand_ins:
                raise ValueError(f"生产环境不允许仿真平台(sandbox):地区 {'、'.join(stand_ins)}")
        witness_policy(self)
        return self

    def reversals(self, province: str) -> PaceLimits:
        """Bounds of a province's 2601s; its own go before those for all."""
        own = self.regions.get(province)
        given = own.reversals_per_minute if own else None
        return PaceLimits(self._places(own), given or self.reversals_per_minute)

    def notices(self, province: str) -> PaceLimits:
        """Bounds of what a province is told; its own go before those for all."""
        own = self.regions.get(province)
        given = own.notices_per_minute if own else None
        return PaceLimits(self._places(own), given or self.notices_per_minute)

    def _places(self, own: RegionSettings | None) -> int:
        return (own.worker_places if own else None) or self.worker_places

    def resolved(self, base: Path) -> Settings:
        """The same settings with every relative path below `base`."""

        def fix(path: Path) -> Path:
            return path if path.is_absolute() else base / path

        secret = self.database_password_file and fix(self.database_password_file)
        database = fix(self.database) if isinstance(self.database, Path) else self.database
        tls = self.tls and TlsSettings(
            certificate=fix(self.tls.certificate),
            key=fix(self.tls.key),
            client_ca=fix(self.tls.client_ca),
        )
        regions = {
            code: region.model_copy(
                update={
                    "secrets_file": fix(region.secrets_file),
                    "profile_file": region.profile_file and fix(region.profile_file),
                    "tls": region.tls
                    and RegionTls(
                        ca=region.tls.ca and fix(region.tls.ca),
                        certificate=region.tls.certificate and fix(region.tls.certificate),
                        key=region.tls.key and fix(region.tls.key),
                    ),
                }
            )
            for code, region in self.regions.items()
        }
        return self.model_copy(
            update={
                "database": with_password(database, secret) if secret else database,
                "database_password_file": secret,
                "keys_dir": fix(self.keys_dir),
                "log_sm2_key": fix(self.log_sm2_key) if self.log_sm2_key else None,
                "outside_checkpoint": fix(self.outside_checkpoint),
                "participants": fix(self.participants),
                "agreements": fix(self.agreements) if self.agreements else None,
                "tiles_dir": fix(self.tiles_dir),
                "entries_dir": fix(self.entries_dir),
                "tls": tls,
                "regions": regions,
                "log_file": fix(self.log_file) if self.log_file else None,
            }
        )


def witness_policy(settings: Settings, logs: Sequence[Log] = ()) -> Policy:
    """Which witnesses count, and how many are needed. Raises ValueError naming the witness."""
    witnesses = []
    for name, given in settings.witnesses.items():
        try:
            key = CosignatureVerifier.from_vkey(given.vkey)
        except KeyMalformed as error:
            raise ValueError(f"witnesses.{name}.vkey:不是见证人公钥({error})") from error
        try:
            dates = KeyDates.of_days(given.valid_from, given.valid_until)
        except ValueError as error:
            raise ValueError(f"witnesses.{name}:有效期有误({error})") from error
        witnesses.append(Witness(name, key, given.url, dates))
    try:
        dates = KeyDates.of_days(settings.quorum_valid_from, settings.quorum_valid_until)
    except ValueError as error:
        raise ValueError(f"quorum_valid_from、quorum_valid_until:有效期有误({error})") from error
    try:
        return replace(Policy.k_of(settings.quorum, witnesses, logs), dates=dates)
    except ValueError as error:
        raise ValueError(f"quorum、witnesses:{error}") from error


def load_settings(path: Path) -> Settings:
    """Read a settings file. Raises ConfigError naming the key and the remedy."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} 无法读取({error.strerror});./yrd demo --keep DIR 可新建一份",
            reason="SETTINGS_UNREADABLE",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} 不是有效的 TOML:{error}", reason="NOT_TOML") from error
    _refuse_unknown_environment(os.environ)
    try:
        return Settings(**values).resolved(path.parent)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}:database_password_file 无法读取({type(error).__name__})",
            reason="SETTINGS_UNREADABLE",
        ) from error
    except ValidationError as error:
        raise ConfigError("\n".join([f"{path}:", *_lines(error)])) from error
    except ValueError as error:
        raise ConfigError(f"{path}:{error}") from error


def _lines(error: ValidationError) -> list[str]:
    """One line for each thing wrong: the key, what is wrong with it, pydantic's own code."""
    lines = []
    for found in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in found["loc"])
        given = found.get("ctx", {})
        if found["type"] == "value_error":
            text = str(given.get("error", found["msg"]))
        else:
            template = WRONG_ZH.get(found["type"])
            text = template.format(**given).replace(" or ", "、") if template else found["msg"]
        code = "" if found["type"] == "value_error" else f" [{found['type'].upper()}]"
        lines.append(f"  {key}:{text}{code}" if key else f"  {text}{code}")
    return lines


def _refuse_unknown_environment(names: Iterable[str]) -> None:
    """A mistyped variable must not look as if it were obeyed."""
    for name in sorted(names):
        field = name.removeprefix("YRD_").split("__", 1)[0].lower()
        if (
            not name.startswith("YRD_")
            or name in ENVIRONMENT_ALSO
            or field in Settings.model_fields
        ):
            continue
        near = difflib.get_close_matches(field, Settings.model_fields, n=1)
        hint = f",是否应为 YRD_{near[0].upper()}?" if near else "。"
        raise ConfigError(
            f"环境变量 {name} 不是设置项{hint}请改正或取消该变量。", reason="UNKNOWN_VARIABLE"
        )
