"""服务网关的拒绝: 401 before the platform saw anything, and the texts that go with it.

The first four texts are the published ones of the CSB gateway (Hunan); the last is OUR ASSUMPTION.
"""

from __future__ import annotations

MISSING_HEADER = "缺少服务网关的请求头!"
STALE = "签名时间戳超时!"
UNKNOWN_CALLER = "非法用户!"
MISMATCH = "签名不一致!"
REPEATED = "签名随机数重复!"


class GateRefusal(Exception):
    """401; `args[0]` is the message."""
