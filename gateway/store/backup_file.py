"""备份文件: one tar: a manifest, then the files it names with their sizes and SHA-256.

Knows nothing of what is in the files. Written under another name, fsynced and renamed, so that a
file with this name is whole; read member by member, so that nothing but what the manifest names is
ever unpacked. No compression: most of a database is ciphertext and hashes.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from gateway.store.errors import StoreRefused

FORMAT = "yrd.backup.v1"
MANIFEST = "manifest.json"
SQLITE_FILE, POSTGRESQL_FILE, VKEY_FILE = "yrd.db", "yrd.pgdump", "vkey"
DATABASES = frozenset({SQLITE_FILE, POSTGRESQL_FILE})
"""A SQLite file, or what pg_dump wrote: a backup holds exactly one of them, and the vkey."""
NAMES = DATABASES | {
    VKEY_FILE, "checkpoint.txt", "yrd.toml", "participants.toml", "agreements.toml",
}  # fmt: skip
"""What a backup may hold."""
_CHUNK = 1 << 20
_MANIFEST_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    made_at: str
    """ISO 8601, UTC."""
    origin: str
    log_size: int
    log_root: str
    """Hex."""
    revision: str
    """Of the schema."""
    files: Mapping[str, tuple[int, str]]
    """Name → bytes, SHA-256 in hex."""

    @property
    def of_postgresql(self) -> bool:
        """Whether it is put back into a PostgreSQL database."""
        return POSTGRESQL_FILE in self.files

    def to_json(self) -> bytes:
        files = {
            name: {"size": size, "sha256": digest} for name, (size, digest) in self.files.items()
        }
        document = {
            "format": FORMAT,
            "made_at": self.made_at,
            "log": {"origin": self.origin, "size": self.log_size, "root": self.log_root},
            "schema": self.revision,
            "files": files,
            "not_included": ["keys/", "tls/", "secrets/", "receipts/", "logs/"],
        }
        return json.dumps(document, indent=1).encode("ascii") + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Raises StoreRefused for anything else."""
        try:
            document: dict[str, Any] = json.loads(data)
            if document["format"] != FORMAT:
                raise StoreRefused(
                    "BACKUP_FORMAT", f"备份格式不是 {FORMAT}:请用写出它的程序版本恢复。"
                )
            log = document["log"]
            files = {
                str(name): (int(file["size"]), str(file["sha256"]))
                for name, file in document["files"].items()
            }
            made = cls(
                made_at=str(document["made_at"]),
                origin=str(log["origin"]),
                log_size=int(log["size"]),
                log_root=str(log["root"]),
                revision=str(document["schema"]),
                files=files,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged("清单无法读取") from error
        if not set(files) <= NAMES or VKEY_FILE not in files or len(DATABASES & set(files)) != 1:
            raise damaged("清单中的文件不对")
        return made


def damaged(what: str) -> StoreRefused:
    """The refusal of a backup that is not what was written."""
    return StoreRefused("BACKUP_DAMAGED", f"备份已损坏({what}):什么都没有恢复,请换另一份备份。")


def measure(path: Path) -> tuple[int, str]:
    """(bytes, SHA-256) of a file."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return path.stat().st_size, digest.hexdigest()


def pack(target: Path, directory: Path, manifest: Manifest) -> None:
    """Write the backup (0600). Raises StoreRefused if something of that name is there."""
    draft = target.with_name(target.name + ".new")
    try:
        _write(draft, directory, manifest)
        # Not os.link: a memory stick knows no links. An empty file of this name is no backup.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        draft.replace(target)
    except FileExistsError as error:
        raise StoreRefused("BACKUP_EXISTS", f"{target} 已存在,不会覆盖:请换一个文件名。") from error
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(target.parent)


def read_manifest(file: Path) -> Manifest:
    """What the backup says of itself. Raises StoreRefused."""
    with _opened(file) as tar:
        return _manifest(tar)


def unpack(file: Path, directory: Path) -> Manifest:
    """Unpack into an existing directory and compare every byte with the manifest."""
    with _opened(file) as tar:
        manifest = _manifest(tar)
        left = dict(manifest.files)
        try:
            while left and (member := tar.next()) is not None:
                expected = left.pop(member.name, None)
                source = tar.extractfile(member) if member.isreg() else None
                if expected is None or source is None or member.size != expected[0]:
                    raise damaged(f"{member.name} 与清单不符")
                _unpack_one(source, directory / member.name, expected)
        except (tarfile.TarError, EOFError) as error:
            raise damaged("文件不完整") from error
    if left:
        raise damaged(f"缺少 {'、'.join(left)}")
    return manifest


def sync_directory(directory: Path) -> None:
    """What was renamed in it stays renamed when the power fails."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _write(draft: Path, directory: Path, manifest: Manifest) -> None:
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            data = manifest.to_json()
            _add(tar, MANIFEST, len(data), io.BytesIO(data))
            for name, (size, _) in manifest.files.items():
                with (directory / name).open("rb") as source:
                    _add(tar, name, size, source)
        out.flush()
        os.fsync(out.fileno())


def _add(tar: tarfile.TarFile, name: str, size: int, source: BinaryIO) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    tar.addfile(member, source)


def _opened(file: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(file, mode="r:")
    except (tarfile.TarError, EOFError) as error:
        raise damaged("不是备份文件") from error
    except OSError as error:
        raise StoreRefused("BACKUP_MISSING", f"备份 {file} 无法读取({error.strerror})。") from error


def _manifest(tar: tarfile.TarFile) -> Manifest:
    try:
        member = tar.next()
        if member is None or member.name != MANIFEST or member.size > _MANIFEST_MAX:
            raise damaged("第一个文件不是清单")
        source = tar.extractfile(member)
    except tarfile.TarError as error:
        raise damaged("文件不完整") from error
    if source is None:
        raise damaged("第一个文件不是清单")
    return Manifest.from_json(source.read())


def _unpack_one(source: Any, target: Path, expected: tuple[int, str]) -> None:
    digest, size = sha256(), 0
    out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(out, "wb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if (size, digest.hexdigest()) != expected:
        raise damaged(f"{target.name} 的字节与清单不符")
