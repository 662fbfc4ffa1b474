"""安徽 codec: the baseline envelope; time, token and nonce signed in headers, the body not covered.

Pure. What differs is data (profile.toml): 2206A and 2207A, numbers as text. All of it is assumed.
Source: README.md.
"""

from __future__ import annotations

from adapters.baseline.codec import NationalCodec


class AnhuiCodec(NationalCodec):
    """Nothing beyond the baseline and the profile."""
