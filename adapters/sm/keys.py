"""SM2 密钥: public and private keys, and the files they come in.

A private key is carried, never computed with here: its public key must stand beside it in the file.
Read: SubjectPublicKeyInfo, PKCS#8 and SEC 1 (RFC 5915), as PEM or DER, unencrypted. Errors never
quote a file's contents. Sources: RFC 5280, RFC 5208, RFC 5915; curve OID 1.2.156.10197.1.301.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from adapters.sm import der
from ledger.sm2_curve import SIZE, N, PointMalformed, read_point, write_point

_EC_KEY = bytes.fromhex("06072a8648ce3d0201")
_CURVE = bytes.fromhex("06082a811ccf5501822d")
_ALGORITHM = _EC_KEY + _CURVE
_PARAMETERS, _PUBLIC = 0xA0, 0xA1
_SEC1_LABELS = (b"EC PRIVATE KEY", b"SM2 PRIVATE KEY")
"""The second is OpenSSL 3's own, of `openssl ec`."""
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]*?)-----END \1-----")


class KeyUnusable(ValueError):
    """A key or a key file that cannot be used; the text (中文) says what to do."""


@dataclass(frozen=True, slots=True)
class Sm2PublicKey:
    """A point on the curve, checked."""

    point: bytes
    """65 bytes: 04, x, y. A compressed point is written out."""

    def __post_init__(self) -> None:
        try:
            full = write_point(read_point(self.point))
        except PointMalformed as error:
            raise KeyUnusable(f"不是 SM2 公钥({error})") from error
        object.__setattr__(self, "point", full)

    @classmethod
    def from_pem(cls, data: bytes) -> Sm2PublicKey:
        """Of a PEM file PUBLIC KEY."""
        return cls.from_der(_block(data, b"PUBLIC KEY"))

    @classmethod
    def from_der(cls, data: bytes) -> Sm2PublicKey:
        """Of a SubjectPublicKeyInfo."""
        try:
            algorithm, rest = der.take(der.whole(data, der.SEQUENCE), der.SEQUENCE)
            bits = der.whole(rest, der.BIT_STRING)
        except der.DerMalformed as error:
            raise KeyUnusable(f"公钥文件不是 SubjectPublicKeyInfo({error})") from error
        _check_algorithm(algorithm)
        if bits[:1] != b"\x00":
            raise KeyUnusable("公钥文件的位串有多余的位")
        return cls(bits[1:])

    @property
    def spki(self) -> bytes:
        """DER of its SubjectPublicKeyInfo."""
        algorithm = der.element(der.SEQUENCE, _ALGORITHM)
        bits = der.element(der.BIT_STRING, b"\x00" + self.point)
        return der.element(der.SEQUENCE, algorithm + bits)

    @property
    def pem(self) -> bytes:
        return _pem(b"PUBLIC KEY", self.spki)


@dataclass(frozen=True, slots=True, eq=False)
class Sm2PrivateKey:
    """A secret with its public key. Its repr shows the public key only."""

    public: Sm2PublicKey
    secret: bytes = field(repr=False)
    """32 bytes. Never print it, never give it to code that is not constant-time."""

    def __post_init__(self) -> None:
        # GM/T 0003.1-2012: d is 1 … n - 2, or (1 + d) could not be inverted.
        if len(self.secret) != SIZE or not 0 < int.from_bytes(self.secret, "big") < N - 1:
            raise KeyUnusable("不是 SM2 私钥:应为 32 字节,且在 1 与 n-2 之间")

    @classmethod
    def from_pem(cls, data: bytes) -> Sm2PrivateKey:
        """Of a PEM file PRIVATE KEY (PKCS#8), or EC or SM2 PRIVATE KEY (SEC 1)."""
        if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in data or b"Proc-Type: 4,ENCRYPTED" in data:
            raise KeyUnusable("私钥文件已加密:请用 openssl pkey -in 原文件 -out 新文件 解密")
        for label in _SEC1_LABELS:
            if b"-----BEGIN %s-----" % label in data:
                return cls._from_sec1(_block(data, label), curve_known=False)
        return cls.from_der(_block(data, b"PRIVATE KEY"))

    @classmethod
    def from_der(cls, data: bytes) -> Sm2PrivateKey:
        """Of PKCS#8 or SEC 1; the version tells which."""
        try:
            version, rest = der.take_integer(der.whole(data, der.SEQUENCE))
            if version == 1:
                return cls._from_sec1(data, curve_known=False)
            algorithm, rest = der.take(rest, der.SEQUENCE)
            inner, _attributes = der.take(rest, der.OCTET_STRING)
        except der.DerMalformed as error:
            raise KeyUnusable(f"私钥文件不是 PKCS#8({error})") from error
        if version != 0:
            raise KeyUnusable("私钥文件的版本不认识:应为 PKCS#8 或 SEC 1")
        _check_algorithm(algorithm)
        return cls._from_sec1(inner, curve_known=True)

    @classmethod
    def _from_sec1(cls, data: bytes, *, curve_known: bool) -> Sm2PrivateKey:
        try:
            version, rest = der.take_integer(der.whole(data, der.SEQUENCE))
            secret, rest = der.take(rest, der.OCTET_STRING)
            curve, rest = _optional(rest, _PARAMETERS)
            public, rest = _optional(rest, _PUBLIC)
            bits = der.whole(public, der.BIT_STRING) if public else b""
        except der.DerMalformed as error:
            raise KeyUnusable(f"私钥文件不是 SEC 1 私钥({error})") from error
        if version != 1 or rest:
            raise KeyUnusable("私钥文件不是 SEC 1 私钥(版本或结尾不对)")
        if curve != _CURVE and (curve or not curve_known):
            raise KeyUnusable("私钥不在 SM2 曲线上(应为 1.2.156.10197.1.301)")
        if bits[:1] != b"\x00":
            # The public key would have to be computed, and there is no constant-time code here.
            raise KeyUnusable("私钥文件不含公钥:请用 openssl pkey -in 原文件 -out 新文件 重新写出")
        return cls(Sm2PublicKey(bits[1:]), secret)

    @property
    def pkcs8(self) -> bytes:
        """DER. Never log it."""
        public = der.element(_PUBLIC, der.element(der.BIT_STRING, b"\x00" + self.public.point))
        secret = der.element(der.OCTET_STRING, self.secret)
        sec1 = der.element(der.SEQUENCE, der.integer(1) + secret + public)
        algorithm = der.element(der.SEQUENCE, _ALGORITHM)
        inner = der.element(der.OCTET_STRING, sec1)
        return der.element(der.SEQUENCE, der.integer(0) + algorithm + inner)

    @property
    def pem(self) -> bytes:
        """A key file. Never log it."""
        return _pem(b"PRIVATE KEY", self.pkcs8)


def _optional(data: bytes, tag: int) -> tuple[bytes, bytes]:
    return der.take(data, tag) if data[:1] == bytes([tag]) else (b"", data)


def _check_algorithm(algorithm: bytes) -> None:
    if algorithm != _ALGORITHM:
        raise KeyUnusable("不是 SM2 密钥:算法应为 id-ecPublicKey,曲线 1.2.156.10197.1.301")


def _block(data: bytes, label: bytes) -> bytes:
    """The DER in the one PEM block with this label."""
    found = [body for name, body in _PEM.findall(data) if name == label]
    if len(found) != 1:
        raise KeyUnusable(f"PEM 文件应恰有一段 {label.decode()},实有 {len(found)} 段")
    try:
        return base64.b64decode(b"".join(found[0].split()), validate=True)
    except binascii.Error as error:
        raise KeyUnusable(f"PEM 文件中 {label.decode()} 一段不是 base64") from error


def _pem(label: bytes, data: bytes) -> bytes:
    text = base64.b64encode(data)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join([b"-----BEGIN %s-----" % label, *lines, b"-----END %s-----" % label, b""])
