"""查账发现用语: what each finding of an audit means, in Chinese, by its code.

The code is for machines and stays; the ledger's own English says the particulars beside it. A test
holds this list against the codes that the source gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_MEANING: Mapping[str, str] = MappingProxyType({
    "ACCOUNT_MALFORMED": "科目代码不成立",
    "ANSWER_UNREADABLE": "保存的答复无法解析",
    "BALANCE_DIFFERS": "科目余额与分录之和不符",
    "CHECKPOINT_INVALID": "检查点未经日志密钥签名或已损坏",
    "CHECKPOINT_MISPLACED": "检查点与所在行的条数不符",
    "CLAIM_COLUMN_DIFFERS": "结算单的列与密封记录不符",
    "CLAIM_ENTRIES_DIFFER": "结算单与其分录不符",
    "CLAIM_ENTRY_DIFFERS": "结算单与其分录不符",
    "CLAIM_MISSING": "缺少结算单",
    "CLAIM_SEALED": "结算单的密封内容打不开",
    "CLAIM_WITHOUT_ENTRY": "有结算单而无分录",
    "COSIGNATURE_ASTRAY": "见证签名没有对应的检查点",
    "COSIGNATURE_INVALID": "见证签名无效",
    "ENTRY_IMPOSSIBLE": "分录本身不成立",
    "ENTRY_MISSING": "日志条目所记的分录不在账上",
    "ENTRY_WITHOUT_CLAIM": "有分录而无结算单",
    "EXCHANGE_DIFFERS": "原始报文与其承诺不符",
    "EXCHANGE_MISSING": "缺少原始报文",
    "EXCHANGE_SEALED": "原始报文打不开",
    "EXCHANGE_WITHOUT_MESSAGE": "原始报文没有对应的报文号",
    "FILE_CHECKPOINT_INVALID": "已发布的检查点未经本日志签名或已损坏",
    "FILE_CHECKPOINT_MISSING": "已发布的文件中没有检查点",
    "FILE_CHECKPOINT_UNKNOWN": "已发布的检查点不在数据库中",
    "FILE_DIFFERS": "已发布的文件与数据库的日志条目不符",
    "FILE_MISSING": "缺少检查点所需的文件",
    "FILE_OTHER_LOG": "该目录属于另一日志",
    "FILE_SURPLUS": "多出的文件:不属于本日志",
    "FILE_TRUNCATED": "已发布的文件被截断",
    "FILE_UNREADABLE": "文件无法读取",
    "FILE_VKEY_DIFFERS": "目录中的公钥不是本日志的公钥",
    "HEAD_RANGE_DIFFERS": "树头与日志条目不符",
    "HEAD_SIZE_DIFFERS": "树头的条数与日志条目不符",
    "HEAD_UNREADABLE": "树头无法读取",
    "LEAF_HASH_DIFFERS": "日志条目的内容与其哈希不符",
    "LEAF_MALFORMED": "日志条目格式错误",
    "LEAF_MISSING": "缺少日志条目",
    "LEAF_OF_ANOTHER": "日志条目属于另一分录",
    "LEG_MISSING": "缺少借贷行",
    "LEG_ORPHANED": "借贷行没有分录",
    "LIMIT_DAMAGED": "余额限制已损坏",
    "LIMIT_MISSING": "日志所记的余额限制不在账上",
    "LINK_BROKEN": "连环分录断开",
    "LOG_FORKED": "日志分叉:同样条数有两个不同的树根",
    "LOG_HISTORY_BROKEN": "日志沿革中断",
    "LOG_HISTORY_DAMAGED": "日志沿革已损坏",
    "LOG_KEY_DIFFERS": "所用公钥不是现行日志的公钥",
    "LOG_KEY_OUT_OF_DATE": "日志密钥在有效期之外签名",
    "LOG_MISSING": "日志条目所记的沿革不在库中",
    "LOG_ROLLED_BACK": "日志被回退:已签名的条目不在库中",
    "MESSAGE_MISSING": "缺少报文",
    "MESSAGE_WITHOUT_CLAIM": "报文没有对应的结算单",
    "OPENING_DIFFERS": "承诺开封后与日志条目不符",
    "OPENING_MISSING": "缺少承诺的开封内容",
    "OPENING_SEALED": "承诺的开封内容打不开",
    "OUTBOX_DIFFERS": "待办事项与结算单不符",
    "OUTSIDE_CHECKPOINT_INVALID": "库外检查点未经本日志签名或已损坏",
    "POSTING_DIFFERS": "过账与结算单不符",
    "RESOLVES_NOTHING": "分录所了结的未决分录不存在",
    "RESOLVE_TWICE": "未决分录被了结两次",
    "REVERSAL_DIFFERS": "冲销与结算单不符",
    "REVERSAL_NOT_RECORDED": "冲销未登记",
    "REVERSAL_WITHOUT_CLAIM": "冲销没有对应的结算单",
    "REVERSES_DIFFERS": "冲销的对象与未决分录不一致",
    "REVERSES_NOTHING": "被冲销的分录不存在",
    "REVERSE_TWICE": "分录被冲销两次",
    "ROOT_DIFFERS": "已签名的树根与日志条目不符",
    "SEAL_BROKEN": "内容与日志封签不符",
    "SM2_SIGNATURE_INVALID": "检查点的国密签名不符",
    "STATE_WITHOUT_ENTRY": "结算单的状态没有分录支持",
    "SUBJECT_DIFFERS": "参保人记录与其承诺不符",
    "TILE_COUNT_DIFFERS": "瓦片数目不符",
    "TILE_DIFFERS": "瓦片与日志条目不符",
    "TILE_MISSING": "缺少瓦片",
    "TRIAL_BALANCE_DIFFERS": "试算不平衡",
    "UNREADABLE": "数据行无法读取",
    "WITNESS_KEY_OUT_OF_DATE": "见证方密钥在有效期之外签名",
})  # fmt: skip


def meaning(code: str) -> str:
    """What the code says; nothing for one that has no word yet."""
    return _MEANING.get(code, "")
