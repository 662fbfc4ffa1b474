"""`yrd backup` and `yrd restore` as people type them, and what they are told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.integration.house.command import yrd


def test_a_backup_becomes_a_data_directory_that_verifies(tmp_path: Path, data: Path) -> None:
    backup, new = tmp_path / "yrd.tar", tmp_path / "new"
    code, said = yrd("backup", "--data", data, "--out", backup)
    assert code == 0 and "查账通过" in said and "不含密钥" in said
    code, said = yrd(
        "restore", backup, "--data", new, "--keys", data / "keys", "--nothing-newer", "--json"
    )
    assert code == 0
    document = json.loads(said)
    assert document["rolled_back"] is False
    assert set(document["files"]) == {"yrd.db", "vkey", "yrd.toml", "participants.toml"}
    for folder in ("tls", "secrets"):
        shutil.copytree(data / folder, new / folder)
    assert yrd("verify", "--data", new)[0] == 0
    assert yrd("check-config", "--data", new)[0] == 0


def test_who_restores_says_what_is_known_of_the_log(tmp_path: Path, data: Path) -> None:
    backup, new = tmp_path / "yrd.tar", tmp_path / "new"
    assert yrd("backup", "--data", data, "--out", backup)[0] == 0
    words = ("restore", backup, "--data", new, "--keys", data / "keys")
    code, said = yrd(*words)
    assert code == 2 and "--checkpoint" in said and "--nothing-newer" in said
    code, said = yrd(*words, "--nothing-newer", "--checkpoint", data / "vkey")
    assert code == 2 and not new.exists()
    code, said = yrd(*words, "--checkpoint", data / "vkey")
    assert code == 2 and "检查点不是本日志" in said and not new.exists()


def test_what_is_there_is_never_overwritten(tmp_path: Path, data: Path) -> None:
    backup = tmp_path / "yrd.tar"
    assert yrd("backup", "--data", data, "--out", backup)[0] == 0
    code, said = yrd("backup", "--data", data, "--out", backup)
    assert code == 2 and "不会覆盖" in said
    code, said = yrd("restore", backup, "--data", data, "--keys", data / "keys", "--nothing-newer")
    assert code == 2 and "不是空目录" in said
    code, said = yrd("backup", "--data", data, "--out", tmp_path / "nowhere" / "yrd.tar")
    assert code == 2 and "备份没有完成" in said
