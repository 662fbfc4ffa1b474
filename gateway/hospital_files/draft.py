"""A request in the making: the message, what was found wrong, and where each field came from.

`origins` maps a field of the request to the JSON path it was read from, so that a violation that
the gateway finds later (`patient.id_number`) is shown at the hospital's own place
(`$[0].input.data.certno`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.hospital_files.node import Node
from gateway.hospital_files.problem import FileProblem
from yrd.claim.v1 import claim_pb2

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp


@dataclass(slots=True, repr=False)
class Draft:
    """Filled step by step by the readers of this package. Personal values inside: no repr."""

    request: claim_pb2.SettleClaimRequest = field(default_factory=claim_pb2.SettleClaimRequest)
    found: list[FileProblem] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)

    def came_from(self, request_path: str, node: Node | None, name: str) -> None:
        """Note where a field of the request was read."""
        if node is not None:
            self.origins[request_path] = node.at(name)

    def text(self, target: object, path: str, node: Node, name: str, *, required: bool) -> None:
        """Copy one text field; `path` is the request's, its last part the attribute of `target`."""
        setattr(target, path.rpartition(".")[2], node.text(name, required=required))
        self.came_from(path, node, name)


def put_time(target: Timestamp, at: datetime | None) -> None:
    """Write an aware time into a protobuf field; nothing for None."""
    if at is not None:
        target.FromDatetime(at)
