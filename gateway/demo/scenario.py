"""演示剧本: the hospital's side of the demonstration, in order, against a running house.

Every step says what it expects; what does not hold goes into Story.broken, and the rest goes on, so
that one failure is seen beside everything that worked. Proofs and the audit follow in proofs.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from gateway.counter import wording
from gateway.counter.client import CallFailed, Counter, Credentials, Settled
from gateway.demo import cases, mistakes, platforms
from gateway.demo.cases import Case
from gateway.demo.house import House
from gateway.demo.mistakes import Mistake
from gateway.demo.story import ClaimTold, RefusedByUs, Story
from gateway.hospital_files.claim_file import HospitalClaim, read_claim
from gateway.hospital_files.problem import HospitalFileRefused
from yrd.claim.v1 import claim_pb2

PATIENCE_S = 15.0
"""Longest wait for something that a worker does on its own."""
PAUSE_S = 0.05


@dataclass(slots=True)
class Stage:
    """The running house, and a connection per institution."""

    house: House
    story: Story
    stack: ExitStack
    say: Callable[[str], None]
    counters: dict[str, Counter] = field(default_factory=dict)

    def counter(self, institution: str) -> Counter:
        if institution not in self.counters:
            credentials = Credentials.of(self.house.place.tls, institution)
            counter = Counter(self.house.gateway, credentials)
            self.counters[institution] = self.stack.enter_context(counter)
        return self.counters[institution]

    def arm(self, hospital: HospitalClaim, fault: str) -> None:
        """Tell the insured region's platform to fail once."""
        if fault:
            platforms.arm(self.house.platforms[hospital.request.insured_region[:2]], fault)


def play(stage: Stage) -> None:
    """The whole story up to the last answer. Raises CallFailed where a needed call fails."""
    for case in cases.SETTLED_FIRST:
        _settle(stage, case)
    _estimate_then_settle_then_reverse(stage)
    _lose_a_reply(stage)
    _settle(stage, cases.REGION_REFUSES)
    _settle(stage, cases.DIFFERS)
    _replay(stage)
    _make_mistakes(stage)
    _await_notices(stage)
    _count(stage)


def _settle(stage: Stage, case: Case) -> ClaimTold:
    stage.say(case.title_zh)
    hospital = read_claim(case.path.read_bytes())
    stage.arm(hospital, case.fault)
    answer = stage.counter(hospital.institution_code).settle(hospital.request)
    told = ClaimTold(case, hospital, answer.claim, answer.raw)
    told.first_state = wording.state_name(answer.claim)
    stage.story.claims.append(told)
    if case.ends in ("SETTLED", "REFUSED"):
        _expect_end(stage.story, told)
    return told


def _expect_end(story: Story, told: ClaimTold) -> None:
    case, claim = told.case, told.claim
    state = wording.state_name(claim)
    story.expect(state == case.ends, f"{case.title_zh}:应为 {case.ends},实为 {state}")
    if case.ends in ("SETTLED", "REVERSED"):
        story.expect(claim.HasField("settled"), f"{case.title_zh}:没有结算金额")
        agrees = not claim.differences
        story.expect(agrees == case.agrees, f"{case.title_zh}:参保地金额与网关核算的关系不符")
        _expect_sums(story, told)
    if case.ends == "REFUSED":
        story.expect(bool(claim.refusal.text_zh), f"{case.title_zh}:没有拒绝原因")


def _expect_sums(story: Story, told: ClaimTold) -> None:
    """I1, I2, I3, I5 on the answer, and the bill's own total."""
    b, title = told.claim.settled, told.case.title_zh
    billed = sum(line.amount_fen for line in told.hospital.request.visit.lines)
    parts = b.own_pay_fen + b.over_limit_fen + b.pre_self_pay_fen + b.in_scope_fen
    sums = (
        b.total_fen == billed,
        b.total_fen == b.fund_total_fen + b.patient_fen + b.hospital_fen,
        b.fund_total_fen == sum(row.amount_fen for row in b.funds),
        b.patient_fen == b.account_fen + b.cash_fen,
        b.total_fen == parts,
    )
    story.expect(all(sums), f"{title}:金额恒等式不成立")


def _estimate_then_settle_then_reverse(stage: Stage) -> None:
    case, story = cases.REVERSED, stage.story
    hospital = read_claim(case.path.read_bytes())
    counter = stage.counter(hospital.institution_code)
    stage.say(f"预结算:{case.title_zh}")
    story.estimate = counter.predetermine(estimate_of(hospital.request))
    story.estimate_title = case.title_zh
    told = _settle(stage, case)
    same = told.claim.settled.cash_fen == story.estimate.region.cash_fen
    story.expect(same, "预结算与结算的个人现金不一致")
    request = claim_pb2.ReverseClaimRequest(
        request_id=f"{hospital.request.request_id}-R",
        claim_id=told.claim.claim_id,
        reason="收费录入错误",
        etag=told.claim.etag,
    )
    told.claim = counter.reverse(request)
    _expect_end(story, told)


def estimate_of(request: claim_pb2.SettleClaimRequest) -> claim_pb2.PredetermineClaimRequest:
    """The same bill as a predetermination."""
    return claim_pb2.PredetermineClaimRequest(
        visited_region=request.visited_region,
        insured_region=request.insured_region,
        patient=request.patient,
        visit=request.visit,
        scheme=request.scheme,
        filing=request.filing,
        use_personal_account=request.use_personal_account,
    )


def _lose_a_reply(stage: Stage) -> None:
    """UNKNOWN is told as such; the worker reverses by msgid; only reconciliation would decide."""
    told = _settle(stage, cases.LOST)
    story = stage.story
    story.expect(told.first_state == "UNKNOWN", f"答复丢失后应为 UNKNOWN,实为 {told.first_state}")
    story.expect(told.claim.provisional, "结果未知时应标为暂定")
    counter = stage.counter(told.hospital.institution_code)

    def reversed_and_answered() -> bool:
        told.claim = counter.get(told.claim.claim_id)
        sent = [m for m in told.claim.messages if m.transaction == "2601"]
        done = bool(sent) and sent[-1].outcome == "answered"
        return done and wording.state_name(told.claim) == cases.LOST.ends

    story.expect(_until(reversed_and_answered), "未知结果未在时限内冲正(2601)")
    story.expect(told.claim.provisional, "冲正的结果在对账之前应标为暂定")


def _replay(stage: Stage) -> None:
    """The same request again: the same bytes, and no second settlement anywhere."""
    told, story = stage.story.told(cases.OUTPATIENT.key), stage.story
    stage.say("重复提交第一笔")
    again: Settled = stage.counter(told.hospital.institution_code).settle(told.hospital.request)
    story.replay_case = told.case.key
    story.replay_identical = again.raw == told.raw
    story.expect(story.replay_identical, "重复请求的答复应逐字节相同")


def _make_mistakes(stage: Stage) -> None:
    stage.say("提交错误的请求")
    first = stage.story.told(cases.OUTPATIENT.key)
    for number, mistake in enumerate(mistakes.FRESH, start=1):
        request = _copy(first.hospital.request)
        request.request_id = f"{request.request_id}-E{number}"
        mistake.change(request)
        _expect_refusal(stage, first, request, mistake)
    reused = Mistake("request_id_reused", "同一请求号,内容不同", mistakes.other_body,
                     "ALREADY_EXISTS", "REQUEST_ID_REUSED")  # fmt: skip
    request = _copy(first.hospital.request)
    reused.change(request)
    _expect_refusal(stage, first, request, reused)
    lost = stage.story.told(cases.LOST.key)
    held = Mistake("held", "结果未定的账单换请求号再结", _unchanged, "FAILED_PRECONDITION", "")
    request = _copy(lost.hospital.request)
    request.request_id = f"{request.request_id}-2"
    _expect_refusal(stage, lost, request, held)
    try:
        read_claim(cases.MALFORMED.read_bytes())
        stage.story.expect(False, "有错误的文件应被指出")
    except HospitalFileRefused as refused:
        stage.story.file_problems = refused.problems


def _expect_refusal(
    stage: Stage, told: ClaimTold, request: claim_pb2.SettleClaimRequest, mistake: Mistake
) -> None:
    try:
        stage.counter(told.hospital.institution_code).settle(request)
    except CallFailed as failed:
        f = failed.failure
        fields = {v.field: v for v in f.violations}
        hit = fields.get(mistake.field) or next(iter(f.violations), None)
        reason = hit.reason if hit else f.reason
        named = mistake.field in fields if mistake.field else True
        right = f.status == mistake.status and named and mistake.reason in ("", reason)
        stage.story.expect(right, f"{mistake.title_zh}:答复为 {f.status} {reason}")
        text = hit.text_zh if hit else f.text_zh
        row = RefusedByUs(
            mistake.key, mistake.title_zh, f.status, reason, hit.field if hit else "", text
        )
        stage.story.refused.append(row)
    else:
        stage.story.expect(False, f"{mistake.title_zh}:应被拒绝")


def _unchanged(_: claim_pb2.SettleClaimRequest) -> None:
    """The mistake is sending it at all."""


def _copy(request: claim_pb2.SettleClaimRequest) -> claim_pb2.SettleClaimRequest:
    copied = claim_pb2.SettleClaimRequest()
    copied.CopyFrom(request)
    return copied


def _await_notices(stage: Stage) -> None:
    """The outbox tells the visited regions on its own."""

    def told() -> bool:
        stage.story.visited_told = sum(
            len(platforms.state(url)["visited_settlements"])
            for url in stage.house.platforms.values()
        )
        return stage.story.visited_told >= cases.TOLD

    stage.story.expect(_until(told), "就医地未在时限内收到全部结算通知")


def _count(stage: Stage) -> None:
    """As many settlements in force at the platforms as we say, and as many claims as we sent."""
    story = stage.story
    states = [platforms.state(url) for url in stage.house.platforms.values()]
    story.platforms_effective = sum(state["effective_settlements"] for state in states)
    right = story.platforms_effective == cases.EFFECTIVE
    story.expect(right, f"平台上有效结算应为 {cases.EFFECTIVE} 笔,实为 {story.platforms_effective}")
    listed = sum(counter.count() for counter in stage.counters.values())
    story.expect(listed == len(cases.ALL), f"网关中应有 {len(cases.ALL)} 笔,实为 {listed}")


def _until(done: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > give_up:
            return False
        time.sleep(PAUSE_S)
    return True
