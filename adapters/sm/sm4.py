"""SM4 加解密, of `cryptography`: GCM where the choice is ours, CBC and ECB where it is not.

Keys are 16 bytes. Errors are alike for a wrong key and for changed bytes. Only GCM protects against
change: sign what goes in CBC or ECB. Sources: GB/T 32907-2016, RFC 8998, RFC 5652 (PKCS7).
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK = KEY_SIZE = TAG_SIZE = 16
"""Bytes."""
NONCE_SIZE = 12
"""Bytes of a GCM nonce, never used twice with one key."""


class DecryptionFailed(Exception):
    """A wrong key, wrong associated data or damaged bytes: which, is not said."""


def gcm_encrypt(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes = b"") -> bytes:
    """Ciphertext ‖ tag of 16 bytes. The caller brings a fresh nonce of 12 bytes."""
    _check(nonce, NONCE_SIZE, "GCM 的随机数")
    encryptor = Cipher(_algorithm(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag


def gcm_decrypt(key: bytes, nonce: bytes, sealed: bytes, associated: bytes = b"") -> bytes:
    """The plaintext of ciphertext ‖ tag. Raises DecryptionFailed."""
    _check(nonce, NONCE_SIZE, "GCM 的随机数")
    algorithm = _algorithm(key)
    if len(sealed) < TAG_SIZE:
        raise DecryptionFailed("解密失败")
    body, tag = sealed[:-TAG_SIZE], sealed[-TAG_SIZE:]
    # min_tag_length is the tag's whole: a short one must not be enough.
    decryptor = Cipher(algorithm, modes.GCM(nonce, tag, min_tag_length=TAG_SIZE)).decryptor()
    decryptor.authenticate_additional_data(associated)
    # A streaming cipher: nothing leaves before finalize() has seen the tag.
    plaintext = decryptor.update(body)
    try:
        return plaintext + decryptor.finalize()
    except InvalidTag as error:
        raise DecryptionFailed("解密失败") from error


def cbc_encrypt(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """PKCS7 padding. The caller brings a fresh iv of 16 bytes that nobody can foretell."""
    _check(iv, BLOCK, "CBC 的初始向量")
    return _encrypt(key, modes.CBC(iv), plaintext)


def cbc_decrypt(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """The inverse of cbc_encrypt. Raises DecryptionFailed."""
    _check(iv, BLOCK, "CBC 的初始向量")
    return _decrypt(key, modes.CBC(iv), ciphertext)


def national_hall_ecb_encrypt(key: bytes, plaintext: bytes) -> bytes:
    """ECB with PKCS7, as the national hall's encData has it: equal blocks look equal."""
    return _encrypt(key, modes.ECB(), plaintext)


def national_hall_ecb_decrypt(key: bytes, ciphertext: bytes) -> bytes:
    """The inverse of national_hall_ecb_encrypt. Raises DecryptionFailed."""
    return _decrypt(key, modes.ECB(), ciphertext)


def _encrypt(key: bytes, mode: modes.CBC | modes.ECB, plaintext: bytes) -> bytes:
    padder = PKCS7(8 * BLOCK).padder()
    padded = padder.update(plaintext) + padder.finalize()
    encryptor = Cipher(_algorithm(key), mode).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def _decrypt(key: bytes, mode: modes.CBC | modes.ECB, ciphertext: bytes) -> bytes:
    decryptor = Cipher(_algorithm(key), mode).decryptor()
    unpadder = PKCS7(8 * BLOCK).unpadder()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise DecryptionFailed("解密失败") from error


def _algorithm(key: bytes) -> SM4:
    _check(key, KEY_SIZE, "SM4 密钥")
    return SM4(key)


def _check(value: bytes, size: int, what: str) -> None:
    if len(value) != size:
        raise ValueError(f"{what}应为 {size} 字节")
