"""`yrd verify-receipt`: what a receipt proves to someone who has only the log's public key."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from gateway.clock import SystemClock
from gateway.commands.terminal import output, stop
from gateway.counter import receipt_words, wording
from gateway.counter.receipts import body_of, read_vkey
from gateway.counter.witnesses import read_policy
from gateway.demo.layout import DataDir
from gateway.domain.business_day import SHANGHAI
from ledger.money import format_yuan
from ledger.note import KeyMalformed
from ledger.policy import Policy, PolicyMalformed
from ledger.receipt import ReceiptInvalid, VerifiedReceipt, parse_receipt, verify_receipt
from ledger.tlog_proof import SUFFIX


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the checker asks to have vouched for the log, besides its own key."""

    witnesses: list[str]
    quorum: int | None = None
    policy: Path | None = None
    key_until: date | None = None
    sm2_key: str = ""
    """The log's SM2 key, or its file; whoever gives it asks for its signature."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The log's public keys, as texts."""

    log: str
    sm2: str
    """"" when it was not given."""


def run(
    *,
    files: list[Path],
    key: str,
    data: Path | None,
    as_json: bool,
    trust: Trust,
    proofs: Path | None = None,
) -> None:
    """Verify each file; exit code 1 if one does not hold. Those that do go to `proofs` as well."""
    given = key or (str(DataDir(data).vkey) if data else "")
    if not given:
        stop("请用 --key 给出日志公钥(或其文件),最好来自回执以外的途径;或用 --data DIR。")
    try:
        vkey = read_vkey(given)
    except (OSError, UnicodeDecodeError):
        stop(f"{given} 不是公钥,也不是可读的公钥文件。")
    try:
        sm2_vkey = read_vkey(trust.sm2_key) if trust.sm2_key else ""
    except (OSError, UnicodeDecodeError):
        stop(f"{trust.sm2_key} 不是国密公钥,也不是可读的公钥文件。")
    try:
        policy = read_policy(
            vkey,
            witnesses=trust.witnesses,
            quorum=trust.quorum,
            policy=trust.policy,
            key_until=trust.key_until,
        )
    except (OSError, UnicodeDecodeError, KeyMalformed, PolicyMalformed) as error:
        stop(f"见证策略不能使用:{error}")
    results = [_check(path, Keys(vkey, sm2_vkey), policy, proofs) for path in files]
    if as_json:
        json.dump(results, sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
    else:
        _print(results)
    raise typer.Exit(0 if all(result["ok"] for result in results) else 1)


def _check(path: Path, keys: Keys, policy: Policy | None, proofs: Path | None) -> dict[str, Any]:
    try:
        receipt = path.read_bytes()
        now = int(SystemClock().now().timestamp())
        proven = verify_receipt(receipt, keys.log, policy, now=now, sm2_vkey=keys.sm2)
        if proofs is not None:
            proofs.mkdir(parents=True, exist_ok=True)
            proof = parse_receipt(receipt).to_tlog_proof()
            (proofs / path.with_suffix(SUFFIX).name).write_bytes(proof)
    except OSError as error:
        return _refused(path, "FILE", str(error), "")
    except ReceiptInvalid as invalid:
        what = str(invalid).removesuffix(f". {invalid.do}")
        return _refused(path, invalid.step, what, invalid.do)
    return {"file": str(path), "ok": True, **_proven(proven)}


def _refused(path: Path, step: str, what: str, do: str) -> dict[str, Any]:
    return {
        "file": str(path), "ok": False, "step": step, "what": what, "do": do,
        "what_zh": receipt_words.failed(step), "do_zh": receipt_words.advice(step, do),
    }  # fmt: skip


def _proven(proven: VerifiedReceipt) -> dict[str, Any]:
    body: dict[str, Any] = body_of(proven)
    return {
        "index": proven.index,
        "leaf_type": proven.leaf.type,
        "entry_id": proven.leaf.entry_id,
        "checkpoint": {
            "origin": proven.checkpoint.origin,
            "size": proven.checkpoint.size,
            "root": proven.checkpoint.root.hex(),
        },
        "sm2": proven.sm2,
        "witnesses": [
            {"name": c.witness.name, "at": datetime.fromtimestamp(c.at, SHANGHAI).isoformat()}
            for c in proven.cosignatures
        ],
        "erased": proven.body is None,
        "record": {
            name: body.get(name)
            for name in ("claim_id", "act", "state", "at", "institution", "window", "settled")
        }
        | {name: body[name] for name in ("statement", "decided") if name in body}
        if body
        else None,
    }


def _beijing(at: str) -> str:
    """A record's time (ISO 8601) as people here read it."""
    return f"{datetime.fromisoformat(at).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}(北京时间)"


def _print(results: list[dict[str, Any]]) -> None:
    console = output()
    for result in results:
        if not result["ok"]:
            console.print(Text(f"✗ {result['file']}", style="red"))
            console.print(f"    {result['what_zh']} [{result['step']}]", markup=False)
            console.print(f"    {result['what']}", markup=False)
            console.print(f"    → {result['do_zh']}", markup=False, style="yellow")
            continue
        head = result["checkpoint"]
        console.print(Text(f"✓ {result['file']}", style="green"))
        place = f"第 {result['index']} 条,{head['origin']} 的检查点 {head['size']}"
        console.print(f"    {place},根 {head['root'][:16]}…", markup=False)
        if result["sm2"]:
            console.print("    国密:日志的 SM2 密钥也已签名", markup=False)
        if result["witnesses"]:
            names = "、".join(f"{w['name']}({w['at']})" for w in result["witnesses"])
            console.print(f"    见证:{names}", markup=False)
        record = result["record"]
        if record is None:
            console.print("    内容不在文件中或已依法删除,只能证明该条记录存在。", style="yellow")
            continue
        settled = record["settled"]
        amount = f",总额 {format_yuan(settled['total_fen'])} 元" if settled else ""
        state = wording.STATES.get(record["state"], record["state"])
        when = _beijing(record["at"])
        console.print(f"    {record['claim_id']} {state}{amount},{when}", markup=False)
        for line in receipt_words.grounds(record):
            console.print(f"    {line}", markup=False)
    if any(result["ok"] for result in results):
        console.print("回执只证明记录曾经入账;之后是否被冲销,请看更新的记录。", style="dim")
