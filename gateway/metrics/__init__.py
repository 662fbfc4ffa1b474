"""指标: what monitoring asks of a running gateway (docs/metrics.md).

Counts and durations by region, transaction and outcome; never a person, a claim, a msgid.
"""
