"""`yrd log restart` as an operator types it; what verify and old checkpoints say afterwards."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.store.log_key import known_log_keys
from ledger.checkpoint import issue_checkpoint
from tests.integration.house.command import yrd


def test_a_log_that_was_rolled_back_is_restarted_and_verifies(data: Path) -> None:
    (key,) = known_log_keys(data / "keys")
    lost = issue_checkpoint(3, bytes(32), key.signer)
    (data / "checkpoint.txt").write_text(lost.note, encoding="utf-8")
    code, said = yrd("verify", "--data", data)
    assert code == 1 and "LOG_ROLLED_BACK" in said
    code, said = yrd("log", "restart", "--data", data, "--reason", "恢复昨日备份", "--source", "x")
    assert code == 0 and "LOG_ROLLED_BACK" in said
    assert "第 0 至 2 条" in said and "销毁" in said
    code, said = yrd("verify", "--data", data)
    assert code == 0, said
    aside = next(data.glob("checkpoint.txt.*"))
    code, said = yrd("verify", "--data", data, "--against", aside)
    assert code == 0, "what was lost is told and recorded"
    assert yrd("check-config", "--data", data)[0] == 0
    code, said = yrd("log", "restart", "--data", data, "--reason", "再来一次")
    assert code == 2 and "不需要重启" in said


def test_a_stolen_key_is_changed_by_order_and_the_answer_is_a_document(data: Path) -> None:
    code, said = yrd("log", "restart", "--data", data, "--reason", "  ", "--force")
    assert code == 2 and "--reason" in said
    code, said = yrd(
        "log", "restart", "--data", data, "--reason", "私钥泄露", "--force", "--json",
        "--valid-until", "2099-12-31",
    )  # fmt: skip
    assert code == 0
    document = json.loads(said)
    assert document["trouble"] == "ORDERED" and document["lost"] is None
    assert document["present"]["vkey"] == (data / "vkey").read_text(encoding="ascii").strip()
    assert Path(document["present"]["key_file"]).read_text(encoding="utf-8").count("2099-12-31")
    code, said = yrd("log", "restart", "--data", data, "--reason", "x", "--valid-until", "soon")
    assert code == 2
