"""SM4 报文加密: the texts of `input` and `output` as ciphertext, on the wire only.

Order: sign, then encrypt; decrypt, then verify the exact plain text. Evidence keeps the signed
plain envelope, since this layer is transport and its keys rotate. Pure: iv and nonce are derived
from key and text (HMAC-SM3), so no chance is needed and only equal texts look equal.
Source: the national hall's browser code for ECB, PKCS7, upper hex and the key's derivation (medium,
and not the hospital interface); that a province does the same is OUR ASSUMPTION: configuration.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from adapters.signing.scheme import Secrets, SecretsMissing
from adapters.sm import sm3, sm4
from adapters.sm.sm4 import DecryptionFailed

Mode: TypeAlias = Literal["ecb", "cbc", "gcm"]
KeyFrom: TypeAlias = Literal["app-secret", "secret"]
Spelling: TypeAlias = Literal["upper-hex", "lower-hex", "base64"]

_IV = b"yrd.sm4.iv\0"


@dataclass(frozen=True, slots=True)
class Sm4Body:
    """One province's way, with its live keys inside."""

    keys: tuple[bytes, ...] = field(repr=False)
    """16 bytes each; the first seals, every one may open."""
    mode: Mode = "ecb"
    spelling: Spelling = "upper-hex"

    def seal(self, text: str) -> str:
        """The exact text of a member → its ciphertext; with an iv or nonce in front where the mode
        has one."""
        key, plain = self.keys[0], text.encode()
        front = sm3.hmac_sm3(key, _IV + plain)
        if self.mode == "ecb":
            sealed = sm4.national_hall_ecb_encrypt(key, plain)
        elif self.mode == "cbc":
            iv = front[: sm4.BLOCK]
            sealed = iv + sm4.cbc_encrypt(key, iv, plain)
        else:
            nonce = front[: sm4.NONCE_SIZE]
            sealed = nonce + sm4.gcm_encrypt(key, nonce, plain)
        return _spelled(sealed, self.spelling)

    def open(self, sealed: str) -> str:
        """The inverse of seal. Raises DecryptionFailed, whatever is wrong."""
        data = _read(sealed, self.spelling)
        for key in self.keys[:-1]:
            try:
                return self._open(key, data)
            except DecryptionFailed:
                continue
        return self._open(self.keys[-1], data)

    def _open(self, key: bytes, data: bytes) -> str:
        if self.mode == "ecb":
            plain = sm4.national_hall_ecb_decrypt(key, data)
        elif self.mode == "cbc":
            plain = sm4.cbc_decrypt(key, *_split(data, sm4.BLOCK))
        else:
            plain = sm4.gcm_decrypt(key, *_split(data, sm4.NONCE_SIZE))
        try:
            return plain.decode()
        except UnicodeDecodeError as error:
            raise DecryptionFailed("解密失败") from error


def keys_of(secrets: Secrets, key_from: KeyFrom) -> tuple[bytes, ...]:
    """The live keys. Raises SecretsMissing."""
    return tuple(_key_of(live, key_from) for live in secrets.live())


def _key_of(secrets: Secrets, key_from: KeyFrom) -> bytes:
    if key_from == "app-secret":
        return hall_key(secrets.key_id, secrets.secret)
    try:
        key = bytes.fromhex(secrets.secret.decode())
    except ValueError as error:
        raise SecretsMissing("secret 应为 32 位十六进制的 SM4 密钥") from error
    if len(key) != sm4.KEY_SIZE:
        raise SecretsMissing("secret 应为 32 位十六进制的 SM4 密钥")
    return key


def hall_key(app_code: str, app_secret: bytes) -> bytes:
    """First 16 characters of the upper hex of SM4(appCode[:16], appSecret), as bytes."""
    code = app_code.encode()[: sm4.KEY_SIZE]
    if len(code) < sm4.KEY_SIZE:
        raise SecretsMissing("access_key 应至少 16 个字符:SM4 密钥由其前 16 个字符与 secret 派生")
    return sm4.national_hall_ecb_encrypt(code, app_secret).hex().upper()[: sm4.KEY_SIZE].encode()


def _split(data: bytes, size: int) -> tuple[bytes, bytes]:
    if len(data) < size:
        raise DecryptionFailed("解密失败")
    return data[:size], data[size:]


def _spelled(sealed: bytes, spelling: Spelling) -> str:
    match spelling:
        case "upper-hex":
            return sealed.hex().upper()
        case "lower-hex":
            return sealed.hex()
        case "base64":
            return base64.b64encode(sealed).decode()


def _read(text: str, spelling: Spelling) -> bytes:
    try:
        if spelling == "base64":
            return base64.b64decode(text, validate=True)
        return bytes.fromhex(text)
    except ValueError as error:
        raise DecryptionFailed("解密失败") from error
