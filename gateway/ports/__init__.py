"""What the core needs from the world, as Protocols. Adapters and the store implement them.

One file per kind of thing; everybody imports from here.
"""

from __future__ import annotations

from gateway.ports.books import (
    AskedReversal,
    Awaiting,
    Books,
    BooksReader,
    ClaimPage,
    ClaimQuery,
    Opening,
    Store,
)
from gateway.ports.calls import (
    Accepted,
    Answer,
    CallContext,
    CancelOrder,
    Declined,
    Exchange,
    NoAnswer,
    NotDelivered,
    PlannedCall,
    RegionLine,
    RegionSettlement,
    ReversalOrder,
    Verb,
    VisitedRow,
)
from gateway.ports.log import (
    CheckpointView,
    Cosignatures,
    Cosigned,
    Log,
    Signing,
    SizeDiffers,
    Witness,
    WitnessAnswer,
    WitnessRefused,
    WitnessSilent,
)
from gateway.ports.regions import RegionGateway, Regions
from gateway.ports.surroundings import (
    ClaimEncoder,
    Clock,
    Hasher,
    Ids,
    MsgidSource,
    Observe,
    Trouble,
)

__all__ = [
    "Accepted",
    "Answer",
    "AskedReversal",
    "Awaiting",
    "Books",
    "BooksReader",
    "CallContext",
    "CancelOrder",
    "CheckpointView",
    "ClaimEncoder",
    "ClaimPage",
    "ClaimQuery",
    "Clock",
    "Cosignatures",
    "Cosigned",
    "Declined",
    "Exchange",
    "Hasher",
    "Ids",
    "Log",
    "MsgidSource",
    "NoAnswer",
    "NotDelivered",
    "Observe",
    "Opening",
    "PlannedCall",
    "RegionGateway",
    "RegionLine",
    "RegionSettlement",
    "Regions",
    "ReversalOrder",
    "Signing",
    "SizeDiffers",
    "Store",
    "Trouble",
    "Verb",
    "VisitedRow",
    "Witness",
    "WitnessAnswer",
    "WitnessRefused",
    "WitnessSilent",
]
