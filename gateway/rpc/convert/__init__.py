"""The one translator between protobuf and the domain. No protobuf type goes further inwards.

Reading collects every violation of a request before it refuses it; writing is deterministic.
"""
