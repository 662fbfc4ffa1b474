"""对接适配: other people's systems, spoken to in their own wire.

`baseline` is the national hospital interface (pure), `signing` the signature profiles (pure),
`transport` the HTTP session without any province's knowledge; each province is a room of its own.
`registry` declares which provinces there are. Nothing here decides anything about a claim.
"""
