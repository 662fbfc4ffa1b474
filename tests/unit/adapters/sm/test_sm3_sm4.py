"""SM3, HMAC-SM3 and SM4: the printed values, and what must not come out."""

from __future__ import annotations

import pytest

from adapters.sm.self_test import vectors
from adapters.sm.sm3 import hmac_sm3, sm3
from adapters.sm.sm4 import (
    BLOCK,
    DecryptionFailed,
    cbc_decrypt,
    cbc_encrypt,
    gcm_decrypt,
    gcm_encrypt,
    national_hall_ecb_decrypt,
    national_hall_ecb_encrypt,
)

KEY, OTHER = bytes(range(16)), bytes(range(1, 17))
NONCE, IV = bytes(12), bytes(range(100, 116))
TEXT = "医保电子凭证".encode()
[GCM] = vectors()["sm4_gcm"]
GCM_KEY, GCM_IV, GCM_AAD, GCM_PLAIN = (
    bytes.fromhex(GCM[name]) for name in ("key", "iv", "aad", "pt")
)
SEALED = bytes.fromhex(GCM["ct"] + GCM["tag"])


def test_the_digests_are_the_printed_ones() -> None:
    for known in vectors()["sm3"]:
        assert sm3(bytes.fromhex(known["msg_hex"])).hex() == known["digest"]
    for known in vectors()["hmac_sm3"]:
        made = hmac_sm3(bytes.fromhex(known["key"]), known["msg_ascii"].encode())
        assert made.hex() == known["mac"]


def test_the_ciphertexts_are_the_printed_ones() -> None:
    [ecb] = vectors()["sm4_ecb"]
    key, plain = bytes.fromhex(ecb["key"]), bytes.fromhex(ecb["pt"])
    assert national_hall_ecb_encrypt(key, plain)[:BLOCK].hex() == ecb["ct"]
    assert gcm_encrypt(GCM_KEY, GCM_IV, GCM_PLAIN, GCM_AAD) == SEALED
    assert gcm_decrypt(GCM_KEY, GCM_IV, SEALED, GCM_AAD) == GCM_PLAIN


@pytest.mark.parametrize("place", [0, 40, len(SEALED) - 17, len(SEALED) - 16, len(SEALED) - 1])
def test_gcm_gives_nothing_away_of_changed_bytes(place: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= 1
    with pytest.raises(DecryptionFailed, match=r"^解密失败$"):
        gcm_decrypt(GCM_KEY, GCM_IV, bytes(changed), GCM_AAD)


def test_gcm_refuses_another_key_nonce_or_associated_data() -> None:
    for key, nonce, associated in (
        (OTHER, GCM_IV, GCM_AAD),
        (GCM_KEY, NONCE, GCM_AAD),
        (GCM_KEY, GCM_IV, GCM_AAD + b"\x00"),
        (GCM_KEY, GCM_IV, b""),
    ):
        with pytest.raises(DecryptionFailed):
            gcm_decrypt(key, nonce, SEALED, associated)


@pytest.mark.parametrize("kept", [0, 1, 4, 8, 12, 15])
def test_gcm_refuses_a_shortened_tag(kept: int) -> None:
    sealed = gcm_encrypt(KEY, NONCE, b"")
    assert gcm_decrypt(KEY, NONCE, sealed) == b"" and len(sealed) == 16
    with pytest.raises(DecryptionFailed):
        gcm_decrypt(KEY, NONCE, sealed[:kept])


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000])
def test_cbc_and_ecb_come_back_whatever_the_length(size: int) -> None:
    plain = bytes(size)
    assert cbc_decrypt(KEY, IV, cbc_encrypt(KEY, IV, plain)) == plain
    assert national_hall_ecb_decrypt(KEY, national_hall_ecb_encrypt(KEY, plain)) == plain


def test_the_first_block_of_cbc_is_ecb_of_text_and_iv() -> None:
    plain = bytes(range(16))
    mixed = bytes(a ^ b for a, b in zip(plain, IV, strict=True))
    assert cbc_encrypt(KEY, IV, plain)[:16] == national_hall_ecb_encrypt(KEY, mixed)[:16]


@pytest.mark.parametrize("damage", [b"", b"\x00" * 15, b"\x00" * 16, b"\x00" * 32])
def test_damaged_cbc_and_ecb_fail_alike(damage: bytes) -> None:
    with pytest.raises(DecryptionFailed, match=r"^解密失败$"):
        cbc_decrypt(KEY, IV, damage)
    with pytest.raises(DecryptionFailed, match=r"^解密失败$"):
        national_hall_ecb_decrypt(KEY, damage)


def test_sizes_of_keys_nonces_and_ivs_are_checked() -> None:
    with pytest.raises(ValueError, match="SM4 密钥应为 16 字节"):
        national_hall_ecb_encrypt(KEY + KEY, TEXT)
    with pytest.raises(ValueError, match="随机数应为 12 字节"):
        gcm_encrypt(KEY, IV, TEXT)
    with pytest.raises(ValueError, match="初始向量应为 16 字节"):
        cbc_encrypt(KEY, NONCE, TEXT)
