"""签名方案: signature profiles of other people's gateways, each pure and each a plug-in.

Secrets, a clock value and bytes go in; headers or envelope fields come out. Which province uses
which profile is configuration (its profile.toml): no scheme is certain enough to be built into an
adapter. Not here: keys' storage, clocks, sending.
"""
