"""国密实现的选择: which SM2 this process uses, and a clear no to whoever needs more than there is.

The first of libcrypto, gmssl_pyx and the pure verifier that passes its self-test. Never a silent
downgrade: a peer that needs SM2 and cannot have it is an error at start, no other algorithm is
tried. Nothing is logged here; what was dropped, and why, is in the value.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from adapters.sm.gmssl import Gmssl
from adapters.sm.libcrypto import Libcrypto
from adapters.sm.provider import SmProvider, SmProviderBroken
from adapters.sm.pure import Pure
from adapters.sm.self_test import SelfTestFailed, self_test

Maker = tuple[str, Callable[[], SmProvider]]
"""A provider's name, and what builds it or raises SmProviderBroken."""
MAKERS: tuple[Maker, ...] = (("libcrypto", Libcrypto), ("gmssl_pyx", Gmssl), ("pure", Pure))
"""In the order of preference."""


class SmUnavailable(Exception):
    """A peer needs SM2 and this process has none that will do. 中文: who, why, what to do."""

    reason = "SM2_UNAVAILABLE"

    def __init__(self, text_zh: str) -> None:
        super().__init__(f"{text_zh} [{self.reason}]")
        self.text_zh = text_zh


@dataclass(frozen=True, slots=True)
class Dropped:
    """A provider that is not used."""

    name: str
    reason: str
    """中文, for the log and for health."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What this process has."""

    provider: SmProvider | None
    """Passed its self-test; None if nobody did."""
    self_test_us: int
    """How long its self-test took, microseconds."""
    dropped: tuple[Dropped, ...]
    """Those tried before it, in order."""

    @property
    def can_sign(self) -> bool:
        return self.provider is not None and self.provider.can_sign

    @property
    def text_zh(self) -> str:
        """One line for health output: who, what it can do, and who was dropped."""
        dropped = "".join(f";未用 {one.name}:{one.reason}" for one in self.dropped)
        if self.provider is None:
            return f"没有可用的 SM2 实现{dropped}"
        able = "签名与验签" if self.can_sign else "仅验签"
        took = f"自检通过({self.self_test_us / 1000:.1f} ms)"
        return f"{self.provider.name}({self.provider.version}),{able},{took}{dropped}"


def select_sm2(
    makers: Sequence[Maker] = MAKERS, stopwatch: Callable[[], float] = time.perf_counter
) -> Selection:
    """Try them in order until one passes; `stopwatch` counts seconds."""
    dropped: list[Dropped] = []
    for name, make in makers:
        began = stopwatch()
        try:
            provider = make()
            self_test(provider)
        except (SmProviderBroken, SelfTestFailed) as error:
            dropped.append(Dropped(name, str(error)))
        except Exception as error:
            # A foreign library may raise what it likes at its test: that too is a no, and is said.
            dropped.append(Dropped(name, f"自检时出错({type(error).__name__})"))
        else:
            return Selection(provider, round((stopwatch() - began) * 1_000_000), tuple(dropped))
    return Selection(None, 0, tuple(dropped))


@cache
def sm2() -> Selection:
    """The selection of this process: made once, at the first question."""
    return select_sm2()


def need_sm2(peer: str, *, signing: bool = True, selection: Selection | None = None) -> SmProvider:
    """The provider for this peer (its name as the operator knows it). Raises SmUnavailable."""
    have = selection or sm2()
    if have.provider is not None and (have.can_sign or not signing):
        return have.provider
    what = "签名" if signing else "验签"
    raise SmUnavailable(
        f"{peer} 要求国密 SM2 {what},本机不具备:{have.text_zh}。"
        "请安装带 SM2 的 OpenSSL 3(Debian、Ubuntu 的 libssl3;RHEL、Fedora 一系的不带),"
        "或安装可选依赖 gm(见 docs/sm.md)。不会改用其他算法。"
    )
