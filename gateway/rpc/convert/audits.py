"""Questions about the log, and its answers, as protobuf. Sizes count leaves; indexes begin at 0."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.ports import Awaiting, CheckpointView, RegionStatus, Signing
from gateway.rpc.convert import texts
from gateway.rpc.convert.enums import STATES
from gateway.rpc.convert.findings import Findings
from gateway.rpc.convert.page_token import make_token, read_token
from gateway.rpc.convert.queries import page_size
from gateway.rpc.convert.times import to_timestamp
from yrd.audit.v1 import audit_pb2 as pb

ENTRIES_DEFAULT = 100
ENTRIES_MAX = 1_000
ENTRIES_BYTES_MAX = 3 * 1024 * 1024
"""A page ends early rather than outgrow a message."""
ENTRY_ID_MAX = 64
_FILTERS = ("entries",)


def tree_size(request: pb.GetCheckpointRequest) -> int:
    """0 means the newest. Raises Malformed."""
    found = Findings()
    _not_negative(found, "tree_size", request.tree_size)
    found.refuse()
    return request.tree_size


def leaf_and_tree(request: pb.GetInclusionProofRequest) -> tuple[int, int]:
    """(leaf index, tree size or 0). Raises Malformed."""
    found = Findings()
    _not_negative(found, "leaf_index", request.leaf_index)
    _not_negative(found, "tree_size", request.tree_size)
    if 0 < request.tree_size <= request.leaf_index:
        found.add("leaf_index", "NOT_IN_TREE", "该序号不在所给大小的树内。")
    found.refuse()
    return request.leaf_index, request.tree_size


def two_trees(request: pb.GetConsistencyProofRequest) -> tuple[int, int]:
    """(older size, newer size or 0). Raises Malformed."""
    found = Findings()
    _not_negative(found, "second_size", request.second_size)
    if request.first_size < 1:
        found.add("first_size", "NOT_POSITIVE", "较早的树至少含一条记录。")
    if 0 < request.second_size < request.first_size:
        found.add("second_size", "SIZES_REVERSED", "较新的树不能小于较早的树。")
    found.refuse()
    return request.first_size, request.second_size


def leaf_range(request: pb.ListEntriesRequest) -> tuple[int, int]:
    """(first index, at most this many); a page token goes before start_index. Raises Malformed."""
    found = Findings()
    _not_negative(found, "start_index", request.start_index)
    limit = page_size(found, request.page_size, default=ENTRIES_DEFAULT, at_most=ENTRIES_MAX)
    place = read_token(found, "page_token", request.page_token, _FILTERS)
    if place and not (place.isdecimal() and len(place) < 19):
        found.add("page_token", "PAGE_TOKEN", "翻页标记无效,请从第一页重新查询。")
    found.refuse()
    return (int(place) if place else request.start_index), limit


def leaf_page(start: int, leaves: Sequence[bytes], *, log_size: int) -> pb.ListEntriesResponse:
    """One page; cut short where it would outgrow a message."""
    response = pb.ListEntriesResponse()
    size = 0
    for index, leaf in enumerate(leaves, start=start):
        size += len(leaf)
        if size > ENTRIES_BYTES_MAX and response.entries:
            break
        response.entries.add(leaf_index=index, leaf=leaf)
    after = start + len(response.entries)
    if response.entries and after < log_size:
        response.next_page_token = make_token(_FILTERS, str(after))
    return response


def receipt_key(request: pb.GetReceiptRequest) -> tuple[str, str]:
    """(claim id, entry id or empty). Raises Malformed."""
    found = Findings()
    claim_id = texts.claim_id(found, "claim_id", request.claim_id)
    entry_id = texts.text(found, "entry_id", request.entry_id, at_most=ENTRY_ID_MAX)
    found.refuse()
    return claim_id, entry_id


def checkpoint(view: CheckpointView, signing: Signing) -> pb.GetCheckpointResponse:
    """One signed tree head, and whether further ones will come."""
    return pb.GetCheckpointResponse(
        note=view.note, tree_size=view.tree_size, root_hash=view.root_hash, vkey=view.vkey,
        signed_at=to_timestamp(view.signed_at), signing_refused=signing.refused,
        key_valid_until=to_timestamp(signing.key_until) if signing.key_until else None,
    )  # fmt: skip


def status(awaiting: Sequence[Awaiting], regions: Sequence[RegionStatus]) -> pb.GetStatusResponse:
    """What waits for reconciliation, and the platforms we are connected to."""
    answer = pb.GetStatusResponse()
    for found in awaiting:
        answer.awaiting_reconciliation.add(
            state=STATES[found.state], count=found.count, oldest=to_timestamp(found.oldest)
        )
    for region in regions:
        answer.regions.add(
            province=region.province, breaker=region.breaker, in_flight=region.in_flight,
            places=region.places, retries_left=region.retries_left,
        )  # fmt: skip
    return answer


def _not_negative(found: Findings, field: str, value: int) -> None:
    if value < 0:
        found.add(field, "NEGATIVE", "此项不能为负数。")
