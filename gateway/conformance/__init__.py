"""一致性检验: whether a platform and our adapter mean the same by every message, rule by rule.

Stands above the adapters and uses them as a journey would: a relay of our own loses, delays,
repeats and alters messages on the way, and after each rule the platform's own books are asked what
took effect. Not here: money of ours (nothing is posted), the gateway's store, real people.
"""
