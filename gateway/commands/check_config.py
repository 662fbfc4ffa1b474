"""`yrd check-config`: read the settings and everything they name, before they are needed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import typer
from rich.text import Text

from adapters.registry import book_of
from adapters.sm.selection import sm2
from gateway.agreement_files import load_agreements
from gateway.catalogue_files import load_catalogues
from gateway.clock import SystemClock
from gateway.commands.refusal import explain
from gateway.commands.terminal import kept, output
from gateway.config import ConfigError, Environment, RegionTls, Settings, load_settings
from gateway.database import Postgresql
from gateway.domain.business_day import business_day
from gateway.participants import load_institutions
from gateway.policy_files import load_policy_book
from gateway.region_connections import connection_of
from gateway.region_tls import valid_until
from gateway.rpc.tls import TlsFiles, refuse_unfit
from gateway.sm2_log import load_sm2_log_key
from gateway.store.keyring import load_keyring
from gateway.store.log_key import known_log_keys, load_log_key
from ledger.policy import ALWAYS

Check = Callable[[], str]
"""Answers what was found; raises what was wrong."""


class Unfit(Exception):
    """Something is there and cannot serve; the text says what to do."""


def run(*, data: Path | None, as_json: bool) -> None:
    """Check; exit code 1 if something would keep the gateway from serving."""
    place = kept(data, command="check-config")
    rows: list[tuple[str, bool, str]] = []
    try:
        settings = load_settings(place.settings)
    except ConfigError as error:
        rows.append(("设置 yrd.toml", False, str(error)))
    else:
        rows.append(("设置 yrd.toml", True, f"环境 {settings.environment},监听 {settings.listen}"))
        rows += [_try(name, check) for name, check in _checks(settings)]
    if as_json:
        found = [{"what": name, "ok": ok, "text_zh": text} for name, ok, text in rows]
        json.dump({"ok": all(ok for _, ok, _ in rows), "checks": found}, sys.stdout,
                  ensure_ascii=False, indent=1)  # fmt: skip
        print(flush=True)
    else:
        for name, ok, text in rows:
            mark = Text("✓ ", style="green") if ok else Text("✗ ", style="red")
            # Not wrapped: a key that is copied from two lines is none.
            line = (mark.append(f"{name}  ", style="bold"), Text(text))
            output().print(*line, sep="", soft_wrap=True)
    raise typer.Exit(0 if all(ok for _, ok, _ in rows) else 1)


def _try(name: str, check: Check) -> tuple[str, bool, str]:
    try:
        return name, True, check()
    except Unfit as error:
        return name, False, str(error)
    except Exception as error:  # one that cannot be checked must not hide the others
        text = explain(error)
        if text is None:
            raise
        return name, False, text


def _checks(settings: Settings) -> list[tuple[str, Check]]:
    production = settings.environment is Environment.PRODUCTION

    def keys() -> str:
        load_keyring(settings.keys_dir, production=production)
        load_log_key(settings.keys_dir, origin=settings.log_origin)
        return "、".join(
            key.signer.vkey + ("" if key.dates == ALWAYS else f"(有效期 {key.dates})")
            for key in known_log_keys(settings.keys_dir)
        )

    def participants() -> str:
        return f"{len(load_institutions(settings.participants))} 家机构"

    def policies() -> str:
        load_policy_book()
        load_catalogues()
        return "三地待遇政策与就医地目录可读"

    checks: list[tuple[str, Check]] = [
        ("密钥", keys),
        ("参与机构", participants),
        ("政策", policies),
        ("数据库", lambda: _database(settings)),
        ("证书", lambda: _certificates(settings)),
        ("国密", lambda: sm2().text_zh),
    ]
    if settings.log_sm2_key is not None:
        checks.append(("日志的国密签名", partial(_log_sm2, settings.log_sm2_key, settings)))
    if settings.agreements is not None:
        checks.append(("协议", lambda: _agreements(settings)))
    for code in sorted(settings.regions):
        checks.append((f"地区 {code}", partial(_region, settings, code)))
    return checks


def _database(settings: Settings) -> str:
    from gateway.store.engine import read_engine
    from gateway.store.migrate import refuse_unmigrated
    from gateway.store.postgresql import refuse_unreachable

    if isinstance(settings.database, Path) and not settings.database.exists():
        raise Unfit(f"{settings.database} 不存在:先执行 ./yrd migrate")
    engine = read_engine(settings.database)
    try:
        if isinstance(settings.database, Postgresql):
            refuse_unreachable(engine, settings.database)
        with engine.connect() as connection, connection.begin():
            refuse_unmigrated(connection)
    finally:
        engine.dispose()
    return str(settings.database)


def _log_sm2(path: Path, settings: Settings) -> str:
    key = load_sm2_log_key(path)
    # Of each log that was ever ours: which one is in force says the database.
    names = [log.signer.name for log in known_log_keys(settings.keys_dir)]
    vkeys = "\n".join(key.named(name).verifier.vkey for name in names)
    return f"请把在用日志的一行存为 DIR/sm2-vkey,并交给核验者\n{vkeys}"


def _agreements(settings: Settings) -> str:
    found = load_agreements(settings.agreements)
    return f"{len(found.prepayments)} 项预付金约定,{len(found.payments)} 笔拨付(重启网关后记入)"


def _certificates(settings: Settings) -> str:
    if settings.tls is None:
        return "未启用 TLS(plaintext = true)"
    tls = settings.tls
    certificate = refuse_unfit(TlsFiles(tls.certificate, tls.key, tls.client_ca))
    until = certificate.not_valid_after_utc
    if until <= SystemClock().now():
        raise Unfit(f"服务器证书已于 {until:%Y-%m-%d} 到期:请更换")
    return f"服务器证书有效至 {until:%Y-%m-%d}"


def _region(settings: Settings, code: str) -> str:
    region = settings.regions[code]
    now = SystemClock().now()
    connection = connection_of(code, region, now)
    profile = book_of(region.profile, connection.profile_file).at(business_day(now))
    kind = "仿真平台" if region.sandbox else "地区平台"
    sealed = ",报文 SM4 加密" if profile.encryption else ""
    own = f",配置档另取 {region.profile_file}" if region.profile_file else ""
    live = len(connection.secrets.live())
    keys = f",密钥轮换中({live} 组有效)" if live > 1 else ""
    shown = _shown(region.tls, now) if region.tls else ""
    return f"{kind} {region.base_url},签名 {profile.signing.scheme}{sealed}{keys}{own}{shown}"


def _shown(tls: RegionTls, now: datetime) -> str:
    """Until when the certificate is good that we show a platform."""
    if tls.certificate is None:
        return ""
    until = valid_until(tls.certificate)
    if until <= now:
        raise Unfit(f"客户端证书 {tls.certificate} 已于 {until:%Y-%m-%d} 到期:请更换")
    return f",客户端证书有效至 {until:%Y-%m-%d}"
