"""密钥: the gateway's own keys and what is derived from them: blind indexes, references, hashes.

Key files are for demo, test and development; production keeps them in a KMS or HSM and a file KEK
is refused there. One derived key per (domain, field, epoch), so that indexes of two purposes cannot
be joined. Sources: security.md §4 (盲索引), §5 (subject references), §6 (KEK).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.store.errors import StoreRefused
from gateway.store.log_key import LOG_FILE, LogKey, read_private, write_private
from ledger.checkpoint import NoteSigner

INDEX_EPOCH = 1
"""Epoch of the blind indexes that new rows are written with."""
SUBJECT_DOMAIN = "medical"
SUBJECT_REGION = "yrd"
"""One vault serves the whole Delta: ports.Books.subject_ref is not told a region."""
KEK_FILE, INDEX_FILE, SUBJECT_FILE = "kek", "index", "subject"
REQUEST_FILE = "request-hash"
_INDEX_SIZE = 16


def derive_key(master: bytes, info: str) -> bytes:
    """32 bytes: HKDF-SHA256 without salt."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode()).derive(master)


def blind_index(key: bytes, label: bytes, canonical: bytes) -> bytes:
    """HMAC-SHA256(key, label ‖ 0x00 ‖ canonical), its first 16 bytes."""
    return hmac.digest(key, label + b"\x00" + canonical, "sha256")[:_INDEX_SIZE]


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """Keys in memory. No repr: they are P5. Implements ports.Hasher."""

    kek_id: str
    kek: AESGCM
    _id_key: bytes
    _batch_key: bytes
    _subject_key: bytes
    _request_key: bytes

    @classmethod
    def of_masters(cls, *, kek: bytes, index: bytes, subject: bytes, request: bytes) -> Keyring:
        """From four keys of 32 bytes."""
        info = f"blind-index/v1|{SUBJECT_DOMAIN}|{{}}|epoch={INDEX_EPOCH}"
        return cls(
            kek_id="file-" + sha256(b"yrd.kek-id.v1\x00" + kek).hexdigest()[:16],
            kek=AESGCM(kek),
            _id_key=derive_key(index, info.format("cn.id")),
            _batch_key=derive_key(index, info.format("visit.batch")),
            _subject_key=derive_key(
                subject, f"subject-ref/v1|{SUBJECT_REGION}|{SUBJECT_DOMAIN}|epoch=1"
            ),
            _request_key=derive_key(request, "request-hash/v1"),
        )

    def id_index(self, id_number: str) -> bytes:
        """盲索引 of a canonical identity number, 16 bytes."""
        return blind_index(self._id_key, b"cn.id.v1", id_number.encode())

    def batch_index(self, institution: str, visit_no: str, batch_no: str) -> bytes:
        """Blind index of one charging batch of one visit, 16 bytes."""
        parts = [part.encode() for part in (institution, visit_no, batch_no)]
        canonical = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return blind_index(self._batch_key, b"visit.batch.v1", canonical)

    def subject_ref(self, person_uid: bytes) -> str:
        """`s_` and 26 characters, derived from the random uid and never from the number."""
        digest = hmac.digest(self._subject_key, person_uid, "sha256")[:_INDEX_SIZE]
        return "s_" + base64.b32encode(digest).decode("ascii").rstrip("=").lower()

    def request_hash(self, canonical: bytes) -> str:
        """64 hex digits."""
        return hmac.digest(self._request_key, b"yrd.request.v1\x00" + canonical, "sha256").hex()


def create_keys(directory: Path, *, origin: str, salt: Callable[[], bytes]) -> str:
    """Make every key file, the log's signing key too; answers the log's vkey.

    `salt` gives 32 random bytes a call. Raises StoreRefused if any key is there already: a key that
    is overwritten takes all data with it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    signer = NoteSigner.from_seed(origin, salt())
    texts = {name: salt().hex() for name in (KEK_FILE, INDEX_FILE, SUBJECT_FILE, REQUEST_FILE)} | {
        LOG_FILE: LogKey(signer).to_text()
    }
    present = [name for name in texts if (directory / name).exists()]
    if present:
        raise StoreRefused(
            "KEYS_EXIST", f"{directory} 中已有密钥文件({'、'.join(present)}),不会覆盖。"
        )
    for name, text in texts.items():
        write_private(directory / name, text if name == LOG_FILE else text + "\n")
    return signer.vkey


def load_keyring(directory: Path, *, production: bool) -> Keyring:
    """Read the key files. Raises StoreRefused in production, or for one missing, open or bad."""
    if production:
        raise StoreRefused(
            "FILE_KEK_IN_PRODUCTION", "生产环境不得使用文件密钥:请配置 KMS/HSM 后再启动。"
        )
    kek, index, subject, request = (
        _master(directory / name) for name in (KEK_FILE, INDEX_FILE, SUBJECT_FILE, REQUEST_FILE)
    )
    return Keyring.of_masters(kek=kek, index=index, subject=subject, request=request)


def _master(path: Path) -> bytes:
    try:
        key = bytes.fromhex(read_private(path))
    except ValueError as error:
        raise StoreRefused("KEY_MALFORMED", f"密钥文件 {path} 已损坏。") from error
    if len(key) != 32:
        raise StoreRefused("KEY_MALFORMED", f"密钥文件 {path} 已损坏:应为 64 个十六进制字符。")
    return key
