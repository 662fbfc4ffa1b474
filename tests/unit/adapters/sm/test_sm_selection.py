"""Which SM2 a process uses: the first that passes its self-test, or a clear no."""

from __future__ import annotations

import ctypes.util
import sys
from itertools import count

import pytest

from adapters.sm import libcrypto
from adapters.sm.gmssl import Gmssl
from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from adapters.sm.libcrypto import Libcrypto
from adapters.sm.provider import DEFAULT_IDENTITY, SmProvider, SmProviderBroken
from adapters.sm.pure import Pure
from adapters.sm.selection import MAKERS, Selection, SmUnavailable, need_sm2, select_sm2


class Made:
    """A provider that is right except where it is told not to be."""

    name, version, can_sign = "made", "0", True

    def __init__(self, *, says: bool | None = None, signs: bytes | Exception | None = None) -> None:
        self._says, self._signs = says, signs
        self._real = Libcrypto()

    def sign(
        self, private: Sm2PrivateKey, message: bytes, identity: bytes = DEFAULT_IDENTITY
    ) -> bytes:
        if isinstance(self._signs, Exception):
            raise self._signs
        return self._signs or self._real.sign(private, message, identity)

    def verify(
        self,
        public: Sm2PublicKey,
        message: bytes,
        signature: bytes,
        identity: bytes = DEFAULT_IDENTITY,
    ) -> bool:
        right = self._real.verify(public, message, signature, identity)
        return right if self._says is None else self._says


def absent() -> SmProvider:
    raise SmProviderBroken("未安装")


def test_the_first_that_passes_is_used_and_the_later_are_not_even_built() -> None:
    ticks = count()
    found = select_sm2([("made", Made), ("absent", absent)], stopwatch=lambda: next(ticks) / 1000)
    assert found.provider is not None and found.provider.name == "made"
    assert found.dropped == () and found.self_test_us == 1000 and found.can_sign
    assert found.text_zh == "made(0),签名与验签,自检通过(1.0 ms)"


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda: Made(says=False), "标准签名验证不通过"),
        (lambda: Made(says=True), "改动的报文竟验证通过"),
        (lambda: Made(signs=bytes(64)), "自己的签名验证不通过"),
        (lambda: Made(signs=SmProviderBroken("签名失败")), "签名失败"),
        (lambda: Made(signs=OSError("stack trace with a path")), "自检时出错(OSError)"),
        (absent, "未安装"),
    ],
)
def test_one_that_fails_its_self_test_is_dropped_and_said_so(broken: type[Made], says: str) -> None:
    found = select_sm2([("broken", broken), ("pure", Pure)])
    assert found.provider is not None and found.provider.name == "pure"
    assert [(one.name, one.reason) for one in found.dropped] == [("broken", says)]
    assert not found.can_sign
    assert f"未用 broken:{says}" in found.text_zh and "仅验签" in found.text_zh


def test_a_peer_that_needs_a_signature_is_told_who_why_and_what_to_do() -> None:
    only_verifies = select_sm2([("libcrypto", absent), ("pure", Pure)])
    assert need_sm2("浙江(33)", signing=False, selection=only_verifies).name == "pure"
    with pytest.raises(SmUnavailable) as caught:
        need_sm2("浙江(33)", selection=only_verifies)
    text = str(caught.value)
    assert text.startswith("浙江(33) 要求国密 SM2 签名")
    for part in ("libcrypto:未安装", "libssl3", "gm", "不会改用其他算法", "SM2_UNAVAILABLE"):
        assert part in text


def test_without_any_provider_even_a_verifier_is_refused() -> None:
    nobody = select_sm2([("pure", absent)])
    assert nobody == Selection(None, 0, nobody.dropped)
    with pytest.raises(SmUnavailable, match="没有可用的 SM2 实现;未用 pure:未安装"):
        need_sm2("江苏(32)", signing=False, selection=nobody)


def test_this_process_finds_one_that_signs() -> None:
    assert need_sm2("上海(31)").can_sign
    assert [name for name, _ in MAKERS] == ["libcrypto", "gmssl_pyx", "pure"]


def test_a_machine_without_openssl_3_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcrypto, "_NAMES", ("libnowhere.so.3",))
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(SmProviderBroken, match=r"libnowhere\.so\.3 不存在"):
        Libcrypto()


def test_a_library_that_is_no_openssl_3_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcrypto, "_NAMES", ("libc.so.6",))
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: "libnowhere.so.3")
    with pytest.raises(SmProviderBroken, match=r"libc\.so\.6 不存在,或没有 OpenSSL 3 的函数"):
        Libcrypto()


def test_an_openssl_of_another_age_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcrypto, "_OLDEST", 0x90000000)
    with pytest.raises(SmProviderBroken, match="早于 OpenSSL 3"):
        Libcrypto()


def test_gmssl_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    with pytest.raises(SmProviderBroken, match="未安装可选依赖 gm"):
        Gmssl()
