"""结算文件: one hospital file → one SettleClaimRequest, or everything that is wrong with it.

The request_id is derived from the institution and the msgid of the settle message, so that the same
file sent twice is a replay and never a second settlement. 人员编号 and 就诊ID of the file are the
region's own and not used: the gateway asks the insured region itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.hospital_files.draft import Draft
from gateway.hospital_files.envelopes import read_sequence
from gateway.hospital_files.json_text import parse
from gateway.hospital_files.people import add_places
from gateway.hospital_files.problem import FileProblem, HospitalFileRefused
from gateway.hospital_files.visits import add_inpatient, add_outpatient
from yrd.claim.v1 import claim_pb2

STRICT_MSGID = re.compile(r"[HP][0-9A-Z]{11}[0-9]{18}", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class HospitalClaim:
    """What a file asks for. Personal values inside: no repr."""

    request: claim_pb2.SettleClaimRequest
    institution_code: str
    origins: Mapping[str, str]
    """Field of the request → JSON path in the file."""

    def origin(self, request_path: str) -> str:
        """JSON path of a field of the request, or of the nearest thing around it; `$` if none."""
        path = request_path
        while path:
            if path in self.origins:
                return self.origins[path]
            path = path.rpartition(".")[0]
        return "$"


def read_claim(raw: bytes) -> HospitalClaim:
    """Read one file. Raises HospitalFileRefused with everything found."""
    draft = Draft()
    sequence = read_sequence(parse(raw), draft.found)
    institution = add_places(draft, [e.head for e in sequence.envelopes])
    if sequence.inpatient:
        add_inpatient(draft, sequence)
    else:
        add_outpatient(draft, sequence)
    msgid = sequence.settle.head.text("msgid")
    draft.request.request_id = request_id(institution, msgid)
    draft.came_from("request_id", sequence.settle.head, "msgid")
    if draft.found:
        raise HospitalFileRefused(tuple(sorted(dict.fromkeys(draft.found), key=_place)))
    return HospitalClaim(draft.request, institution, draft.origins)


def _place(problem: FileProblem) -> list[tuple[int, str]]:
    """Sort key: the order of the file, so that [10] comes after [9]."""
    parts = re.split(r"([0-9]+)", problem.path)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def request_id(institution: str, msgid: str) -> str:
    """The msgid itself in its strict form (it names the institution), else a hash of both.

    A msgid is opaque on input: other forms may hold anything, so they are not passed on.
    """
    if STRICT_MSGID.fullmatch(msgid) and msgid.startswith(institution):
        return msgid
    digest = hashlib.sha256(f"{institution}\0{msgid}".encode()).hexdigest()
    return f"f.{digest[:40]}"
