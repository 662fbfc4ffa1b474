"""查账用语: Chinese names of what an audit counted and of what to do about what it found.

The ledger speaks English, since it could be published alone; whoever runs it here reads Chinese.
What has no word here is shown as the ledger says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ledger import verify_dates, verify_files, verify_history
from ledger.report import INVESTIGATE, REBUILD, RESTORE

_COUNTED: Mapping[str, str] = MappingProxyType({
    "entries": "分录", "legs": "借贷行", "balances": "科目余额", "trial_balances": "试算平衡",
    "leaves": "日志条目", "tiles": "日志瓦片", "checkpoints": "检查点",
    "bundles": "条目包", "vkeys": "公钥", "cosignatures": "见证签名", "logs_closed": "已关闭日志",
    "sm2_signatures": "国密签名",
    "seals": "封印", "unsealed": "无封印", "evidence": "佐证条目", "pending_open": "未决分录",
    "dated": "有效期", "subjects": "参保人",
    "limits": "余额下限",
    "claims": "结算单", "claims_erased": "已删除结算单", "exchanges": "原始报文",
    "exchanges_erased": "已删除报文", "openings": "承诺开封", "openings_erased": "已删除承诺",
})  # fmt: skip
_TO_DO: Mapping[str, str] = MappingProxyType(
    {
        RESTORE: "停止写入;从查账通过的副本或备份恢复该行。",
        REBUILD: "原始凭证完好:由分录重建这一派生行,然后再次查账。",
        INVESTIGATE: "停止写入与签发;与镜像、见证方或医院手中的回执比对:账本已被改动。",
        verify_dates.RENEW: "查明是谁在有效期外签名;换用新密钥继续(yrd log restart)。",
        verify_dates.ASK_WITNESS: "这一签名不算数:向见证方索取现行公钥并更改设置。",
        verify_history.OTHER_KEY: "请用现行日志的公钥查账(DIR/vkey)。",
        verify_files.REPUBLISH: "账本本身若查无问题:移走该目录,网关会由数据库重新写出。",
        verify_files.REMOVE: "已发布的文件中没有这样的名称:查明来源后移走。",
        verify_files.OTHER_DIRECTORY: "请用 --tiles 指明本日志的目录,或用该日志的数据库查账。",
        verify_files.READABLE: "请让查账的用户可以读取。",
    }
)


def counted(checked: Mapping[str, int]) -> str:
    """What was checked, in the order of the words above; nothing that was counted as zero."""
    order = [*_COUNTED, *sorted(set(checked) - set(_COUNTED))]
    parts = [f"{_COUNTED.get(name, name)} {checked[name]}" for name in order if checked.get(name)]
    return "、".join(parts) or "没有可查的内容"


def to_do(advice: str) -> str:
    """What the operator does next."""
    return _TO_DO.get(advice, advice)
