"""答复: whether stored bytes are an encoded claim, for whoever audits a database."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from yrd.claim.v1 import claim_pb2


def check_answer(raw: bytes) -> None:
    """Raises ValueError for bytes that no caller could read as a claim."""
    try:
        claim = claim_pb2.Claim.FromString(raw)
    except DecodeError as error:
        raise ValueError("not an encoded claim") from error
    if not claim.claim_id or not claim.state:
        raise ValueError("an encoded claim without id or state")
