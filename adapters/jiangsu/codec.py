"""江苏 codec: the baseline envelope with the software vendor and the encryption type in it.

Pure. What differs is data (profile.toml): fixmedins_soft_fcty and enc_type in the envelope, numbers
as text, ordinary inpatient 2101, pdn_cash_pay in 2208, no psn_part_amt in 2303/2304 (then I3
computes it). Source: README.md.
"""

from __future__ import annotations

from adapters.baseline.codec import NationalCodec


class JiangsuCodec(NationalCodec):
    """Nothing beyond the baseline and the profile."""
