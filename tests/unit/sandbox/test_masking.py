"""Nobody's number stays in what the inspector keeps, whatever the text looks like."""

from __future__ import annotations

import json

import pytest

from adapters.sandbox.masking import masked

TEXTS = [
    ('{"certno":"003118198503120117"}', '{"certno":"003*************17"}'),
    ('{"psn_no" : 900000001}', '{"psn_no" : 900****01}'),
    ('{"psn_name":"测试甲一"}', '{"psn_name":"测***"}'),
    ('{"brdy":"1985-03-12"}', '{"brdy":"1985-**-**"}'),
    ('{"psn_no":"12"}', '{"psn_no":"**"}'),
    ('{"certno":"003118198503120', '{"certno":"003**********20"'),
    ("人员 003118198503120117 不存在", "人员 003*************17 不存在"),
    ('{"msgid":"H00310000001202509300200000001"}', '{"msgid":"H00310000001202509300200000001"}'),
    ('{"psn_no":"310000001","msgid":"H310000001"}', '{"psn_no":"310****01","msgid":"H310000001"}'),
]


@pytest.mark.parametrize(("text", "kept"), TEXTS)
def test_numbers_keep_three_and_two_and_names_one(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_a_number_is_hidden_where_else_it_stands_too() -> None:
    inner = json.dumps({"who": "SYN-shanghai-0001"})
    text = json.dumps({"mdtrt_cert_no": "SYN-shanghai-0001", "expContent": inner})
    assert "shanghai" not in masked(text)


def test_ciphertext_and_files_are_their_beginning_and_their_length() -> None:
    assert masked(f'{{"input":"{"AB" * 100}"}}').endswith('…共 200 个字符"}')
    assert masked(f'{{"in":[{",".join(["-12"] * 50)}]}}') == '{"in":"…共 50 个字节"}'
    assert len(masked(f'{{"in":"{"Q" * 5000}')) < 100
