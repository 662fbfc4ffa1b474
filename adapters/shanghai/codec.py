"""上海 codec: the baseline envelope, signed inside (cainfo, signtype).

Pure. What differs is data (profile.toml): six-digit psn_type, nine-digit psn_no, ordinary inpatient
21. The older local protocol with 当年/历年账户 is not spoken here. Source: README.md.
"""

from __future__ import annotations

from adapters.baseline.codec import NationalCodec


class ShanghaiCodec(NationalCodec):
    """Nothing beyond the baseline and the profile."""
