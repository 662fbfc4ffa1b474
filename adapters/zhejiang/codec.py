"""浙江 codec: "A" variants, one REST path per transaction, the body signed in a header.

Pure. 2303A and 2304A take 就诊凭证识别码 (mdtrt_cert_sn), which the baseline numbers do not have.
The rest is data (profile.toml): psn_pay and ownpay_hosp_part in 2305, retired psn_type 21.
Source: README.md.
"""

from __future__ import annotations

from adapters.baseline.codec import NationalCodec
from adapters.baseline.wire import Node
from gateway.domain.visit import Attendance


class ZhejiangCodec(NationalCodec):
    """The baseline with the "A" variants' own field."""

    def _with_card_serial(self, att: Attendance, body: Node) -> Node:
        serial = att.patient.card_serial
        data = body.get("data")
        if not (att.visit.kind.is_inpatient and serial and isinstance(data, dict)):
            return body
        return {"data": {**data, "mdtrt_cert_sn": serial}}
