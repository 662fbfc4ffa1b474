"""A whole system in one process: three stand-in platforms, one gateway, a hospital over mTLS."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc

from adapters.sandbox.server import Sandbox
from gateway.bootstrap import Gateway
from gateway.config import Settings, load_settings
from gateway.demo.layout import PROVINCES, DataDir, create_data_dir
from gateway.ids import SystemIds
from gateway.policy_files import POLICY_DIR
from gateway.store.migrate import migrate_database
from gateway.telemetry import configure
from yrd.audit.v1 import audit_pb2_grpc
from yrd.claim.v1 import claim_pb2, claim_pb2_grpc
from yrd.type.v1 import type_pb2

QINGPU, WUJIANG, JIASHAN = "H00310000001", "H00320000001", "H00330000001"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """Everything that runs, and how to reach it."""

    place: DataDir
    settings: Settings
    sandboxes: Mapping[str, Sandbox]
    gateway: Gateway
    port: int
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    def channel(self, institution: str) -> grpc.aio.Channel:
        tls = self.place.tls
        credentials = grpc.ssl_channel_credentials(
            (tls / "ca.pem").read_bytes(),
            (tls / f"{institution}.key").read_bytes(),
            (tls / f"{institution}.pem").read_bytes(),
        )
        channel = grpc.aio.secure_channel(f"localhost:{self.port}", credentials)
        self.channels.append(channel)
        return channel

    def claims(self, institution: str) -> Any:
        return claim_pb2_grpc.ClaimServiceStub(self.channel(institution))

    def audit(self, institution: str) -> Any:
        return audit_pb2_grpc.AuditServiceStub(self.channel(institution))


async def start_sandboxes(
    place: DataDir, settings: Settings, *, clock: Callable[[], datetime] = now
) -> tuple[dict[str, Sandbox], Settings]:
    """The three platforms on free ports, and settings that point at them."""
    sandboxes: dict[str, Sandbox] = {}
    regions = dict(settings.regions)
    for code, name in PROVINCES.items():
        secrets = tomllib.loads(place.platform_secrets(name).read_text(encoding="utf-8"))
        sandboxes[name] = Sandbox(
            province=name,
            state_dir=place.sandbox,
            policies_dir=POLICY_DIR,
            secrets=secrets,
            clock=clock,
        )
        url = await sandboxes[name].start()
        regions[code] = regions[code].model_copy(update={"base_url": url})
    return sandboxes, settings.model_copy(update={"regions": regions})


@asynccontextmanager
async def running(root: Path, **changes: Any) -> AsyncIterator[World]:
    """A system over a fresh data directory; `changes` override settings."""
    place = create_data_dir(root, now=now(), random=SystemIds().salt)
    # tests/integration/witness has the witnesses; here nobody waits for them.
    alone: dict[str, Any] = {"listen": "127.0.0.1:0", "witnesses": {}, "quorum": 0}
    settings = load_settings(place.settings).model_copy(update=alone | changes)
    migrate_database(settings.database)
    sandboxes, settings = await start_sandboxes(place, settings)
    stream = (place.logs / "gateway.jsonl").open("a", encoding="utf-8")
    logger = configure(now=now, stream=stream)
    gateway = Gateway(settings, logger=logger)
    world = World(place, settings, sandboxes, gateway, await gateway.start())
    try:
        yield world
    finally:
        for channel in world.channels:
            await channel.close()
        await gateway.stop()
        for sandbox in sandboxes.values():
            await sandbox.stop()
        configure(now=now)
        stream.close()


def jiashan_outpatient(request_id: str, *, batch: str = "B001") -> claim_pb2.SettleClaimRequest:
    """嘉善-insured employee, outpatient in 青浦: a consultation, a 甲 and a 乙 drug."""
    started = now() - timedelta(hours=1)
    request = claim_pb2.SettleClaimRequest(
        request_id=request_id,
        visited_region="310118",
        insured_region="330421",
        filing=claim_pb2.FILING_KIND_TEMPORARY,
        use_personal_account=True,
    )
    request.patient.certificate_kind = type_pb2.CERTIFICATE_KIND_ID_CARD
    request.patient.certificate_number = request.patient.id_number = "003321198503120117"
    request.patient.name = "测试丙一"
    visit = request.visit
    visit.kind = claim_pb2.VISIT_KIND_OUTPATIENT
    visit.visit_no, visit.batch_no = f"OP-{batch}", batch
    visit.started_at.FromDatetime(started)
    visit.department_code, visit.department_name = "A03", "内科"
    visit.doctor_code, visit.doctor_name = "D310000000001", "测试医师"
    visit.diagnoses.add(code="J06.900", name="急性上呼吸道感染")
    for number, (code, name, quantity, price, fen) in enumerate(
        [
            ("SYN-TA01-0001", "示例普通门诊诊查费", "1", "25.00", 2500),
            ("SYN-XA01-0001", "示例甲类片剂", "10", "52.40", 52400),
            ("SYN-XB01-0001", "示例乙类胶囊", "3", "88.8800", 26664),
        ],
        start=1001,
    ):
        line = visit.lines.add(
            line_no=str(number),
            item_code=code,
            hospital_item_code=f"Y{number}",
            item_name=name,
            quantity=quantity,
            unit_price_yuan=price,
            amount_fen=fen,
        )
        line.occurred_at.FromDatetime(started)
    return request
