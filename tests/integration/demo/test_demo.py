"""演示: `./yrd demo --json` on real sockets, and what its kept directory is good for afterwards."""

from __future__ import annotations

import csv
import io
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.receipt import verify_receipt
from tests.integration.demo.running import (
    EXAMPLES,
    HOME,
    LIMIT_S,
    await_end,
    children_of,
    command,
    document,
    environment,
    yrd,
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def told(kept: Path) -> dict[str, Any]:
    run = yrd("demo", "--json", "--keep", kept)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = document(run)
    return found


def by_case(told: dict[str, Any]) -> dict[str, Any]:
    return {claim["case"]: claim for claim in told["claims"]}


def test_every_promise_held_in_less_than_half_a_minute(told: dict[str, Any]) -> None:
    assert told["ok"]
    assert told["broken"] == []
    assert told["verify"]["ok"]
    assert told["verify"]["checked"] > 100
    assert told["seconds"] < 30


def test_each_case_ends_as_it_must(told: dict[str, Any]) -> None:
    assert {case: claim["state"] for case, claim in by_case(told).items()} == {
        "outpatient": "SETTLED",
        "inpatient": "SETTLED",
        "emergency": "SETTLED",
        "resident_inpatient": "SETTLED",
        "reversal": "REVERSED",
        "lost_reply": "REVERSAL_SENT",
        "region_refuses": "REFUSED",
        "differs": "SETTLED",
    }


def test_the_claims_have_drawn_on_the_synthetic_prepayment(told: dict[str, Any]) -> None:
    (prepayment,) = told["prepayments"]
    drawn = by_case(told)["outpatient"]["amounts"]["fund.pooled_fen"]
    assert prepayment["account"] == "330400/prepayment_asset/310000/pooled"
    assert prepayment["available_fen"] == prepayment["balance_fen"] - drawn
    assert (prepayment["state"], prepayment["confidence"]) == ("enough", "unverified")
    assert "SYNTHETIC" in prepayment["source"]


def test_a_lost_reply_is_provisional_and_reversed_by_its_msgid(told: dict[str, Any]) -> None:
    lost = by_case(told)["lost_reply"]
    assert lost["first_state"] == "UNKNOWN"
    assert lost["provisional"]
    outcomes = [(m["transaction"], m["outcome"]) for m in lost["messages"]]
    assert outcomes[-2:] == [("2207", "no_answer"), ("2601", "answered")]
    assert lost["amounts_by"] == "gateway"


def test_the_inpatient_bill_meets_every_class_and_a_price_limit(told: dict[str, Any]) -> None:
    amounts = by_case(told)["inpatient"]["amounts"]
    assert amounts["own_pay_fen"] == 188_000  # 10 × 188.00 of class 丙
    assert amounts["over_limit_fen"] > 0
    assert amounts["pre_self_pay_fen"] > 0
    parts = ("own_pay_fen", "over_limit_fen", "pre_self_pay_fen", "in_scope_fen")
    assert sum(amounts[part] for part in parts) == amounts["total_fen"]
    # 上海 在职 住院: (in scope − 1500.00) × 85 %, half up, by hand.
    above = amounts["in_scope_fen"] - 150_000
    assert amounts["fund_total_fen"] == (above * 85 + 50) // 100


def test_a_disagreement_is_flagged_and_the_region_decides(told: dict[str, Any]) -> None:
    differs = by_case(told)["differs"]
    parts = {d["part"]: d["region_fen"] - d["computed_fen"] for d in differs["differences"]}
    assert parts["fund_total_fen"] == -100
    assert parts["cash_fen"] == 100


def test_ids_are_unique_and_every_claim_is_in_the_log(told: dict[str, Any]) -> None:
    claims = told["claims"]
    msgids = [msgid for claim in claims for msgid in claim["msgids"]]
    assert len(set(msgids)) == len(msgids)
    leaves = [leaf for claim in claims for leaf in claim["leaf_indexes"]]
    assert len(set(leaves)) == len(leaves)
    assert max(leaves) < told["checkpoint"]["size"]


def test_refusals_of_ours_name_reason_and_field(told: dict[str, Any]) -> None:
    refused = {row["case"]: row for row in told["refused_by_us"]}
    assert refused["unknown_item"]["reason"] == "UNKNOWN_ITEM"
    assert refused["unknown_item"]["field"] == "visit.lines[1].item_code"
    assert refused["wrong_check_digit"]["reason"] == "CHECK_DIGIT"
    assert refused["request_id_reused"]["status"] == "ALREADY_EXISTS"
    assert refused["held"]["status"] == "FAILED_PRECONDITION"
    assert all(row["text_zh"] for row in refused.values())


def test_the_replay_is_byte_identical_and_settles_nothing(told: dict[str, Any]) -> None:
    assert told["replay"]["byte_identical"]
    assert told["platforms"]["effective_settlements"] == 5


def test_every_receipt_verifies_offline_with_the_public_key_alone(
    told: dict[str, Any], kept: Path
) -> None:
    vkey = (kept / "vkey").read_text().strip()
    files = sorted((kept / "receipts").glob("*.json"))
    assert len(files) == len(told["claims"])
    for path in files:
        assert verify_receipt(path.read_bytes(), vkey).body
    run = yrd("verify-receipt", *files, "--key", kept / "vkey")
    assert run.returncode == 0


def test_a_receipt_with_one_changed_figure_does_not_verify(
    told: dict[str, Any], kept: Path, tmp_path: Path
) -> None:
    claim = by_case(told)["outpatient"]
    original = (kept / "receipts" / f"{claim['id']}.json").read_text(encoding="utf-8")
    forged = tmp_path / "forged.json"
    forged.write_text(original.replace('"cash_fen": 0', '"cash_fen": 1', 1), encoding="utf-8")
    run = yrd("verify-receipt", forged, "--key", kept / "vkey", "--json")
    assert run.returncode == 1
    assert document(run)[0]["step"] == "OPENING"


def test_nothing_of_the_demonstration_goes_on_running(told: dict[str, Any], kept: Path) -> None:
    assert told["data"] == str(kept)
    assert children_of(kept) == []
    assert not (kept / "gateway.address").exists()


def test_a_new_file_is_settled_on_the_kept_directory_and_an_old_one_is_a_replay(
    told: dict[str, Any], kept: Path
) -> None:
    new = EXAMPLES / "08-your-turn-jiashan-resident-in-qingpu.json"
    old = EXAMPLES / "01-jiashan-outpatient-in-qingpu.json"
    run = yrd("settle", new, old, "--data", kept, "--json")
    assert run.returncode == 0, run.stderr
    fresh, again = document(run)
    assert (fresh["state"], fresh["proof"]["ok"]) == ("SETTLED", True)
    assert fresh["amounts"]["fund_total_fen"] == 7073  # 128.60 × 55 %, resident, primary, 2025 on
    assert again["id"] == by_case(told)["outpatient"]["id"]
    assert again["amounts"] == by_case(told)["outpatient"]["amounts"]
    assert yrd("verify", "--data", kept).returncode == 0


def test_a_malformed_file_is_reported_and_the_others_go_on(
    told: dict[str, Any], kept: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    good = (EXAMPLES / "03-wujiang-emergency-in-jiashan.json").read_bytes()
    (folder / "1-bad.json").write_bytes((EXAMPLES / "09-malformed.json").read_bytes())
    (folder / "2-good.json").write_bytes(good)
    (folder / "3-truncated.json").write_bytes(good[:900])
    run = yrd("settle", "--dir", folder, "--data", kept)
    assert run.returncode == 1
    assert "$[2].input.feedetail[0].det_item_fee_sumamt" in run.stderr
    assert "THIRD_DECIMAL" in run.stderr
    rows = list(csv.reader(io.StringIO((folder / "results.csv").read_text("utf-8-sig"))))
    assert [(row[0], row[1]) for row in rows[1:]] == [
        ("1-bad.json", "未成功"),
        ("2-good.json", "成功"),
        ("3-truncated.json", "未成功"),
    ]


def copied(kept: Path, to: Path) -> Path:
    """The directory's settings, keys and a consistent copy of its database, without checkpoint."""
    (to / "keys").mkdir(mode=0o700, parents=True)
    for name in ("yrd.toml", "vkey"):
        (to / name).write_bytes((kept / name).read_bytes())
    for key in (kept / "keys").iterdir():
        private = to / "keys" / key.name
        private.touch(mode=0o600)
        private.write_bytes(key.read_bytes())
    source, target = sqlite3.connect(kept / "yrd.db"), sqlite3.connect(to / "yrd.db")
    with closing(source), closing(target):
        source.backup(target)
    return to


def test_verify_says_what_was_changed_behind_its_back(
    told: dict[str, Any], kept: Path, tmp_path: Path
) -> None:
    copy = copied(kept, tmp_path / "copy")
    with closing(sqlite3.connect(copy / "yrd.db")) as database:
        guards = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger_leg'"
        ).fetchall()
        for (guard,) in guards:
            database.execute(f"DROP TRIGGER {guard}")
        database.execute(
            "UPDATE ledger_leg SET amount_fen = amount_fen + 1"
            " WHERE entry_id = (SELECT min(entry_id) FROM ledger_leg)"
        )
        database.commit()
    run = yrd("verify", "--data", copy, "--json")
    assert run.returncode == 1
    found = document(run)
    assert not found["ok"]
    assert all(problem["where"].startswith("ledger_") for problem in found["problems"])
    assert all(problem["do"] for problem in found["problems"])


def test_a_restored_old_backup_agrees_with_itself_and_not_with_the_outside(
    told: dict[str, Any], kept: Path, tmp_path: Path
) -> None:
    old = copied(kept, tmp_path / "old")
    assert yrd("verify", "--data", old).returncode == 0
    another = (EXAMPLES / "08-your-turn-jiashan-resident-in-qingpu.json").read_text("utf-8")
    for number, other in (("23084945", "23084946"), ("B202603230001", "B202603230002")):
        another = another.replace(number, other)
    (tmp_path / "another.json").write_text(another, encoding="utf-8")
    assert yrd("settle", tmp_path / "another.json", "--data", kept).returncode == 0
    run = yrd("verify", "--data", old, "--against", kept / "checkpoint.txt", "--json")
    assert run.returncode == 1
    assert [problem["code"] for problem in document(run)["problems"]] == ["LOG_ROLLED_BACK"]
    assert yrd("verify", "--data", kept).returncode == 0


@pytest.fixture
def half_way(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A demonstration whose house has just come up."""
    data = tmp_path / "data"
    process = subprocess.Popen(
        command("demo", "--keep", data),
        cwd=HOME,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "127.0.0.1" in line:
            break
    yield process, data
    process.kill()
    process.communicate(timeout=LIMIT_S)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demonstration_ends_everything_it_started(
    half_way: tuple[subprocess.Popen[str], Path], number: signal.Signals
) -> None:
    process, data = half_way
    process.send_signal(number)
    process.communicate(timeout=LIMIT_S)
    assert process.returncode not in (0, None)
    assert children_of(data) == []


def test_a_killed_demonstration_takes_its_children_with_it(
    half_way: tuple[subprocess.Popen[str], Path],
) -> None:
    process, data = half_way
    assert [pid for pid in children_of(data) if pid != process.pid]
    process.kill()
    process.communicate(timeout=LIMIT_S)
    await_end(data)
    assert children_of(data) == []


def test_a_directory_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    run = yrd("demo", "--keep", tmp_path)
    assert run.returncode == 2
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_the_demonstration_refuses_production(tmp_path: Path) -> None:
    run = yrd("demo", "--keep", tmp_path / "data", YRD_ENVIRONMENT="production")
    assert run.returncode == 2
    assert not (tmp_path / "data").exists()
