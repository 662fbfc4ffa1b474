"""No real person, no real hospital, no place on somebody's machine in any file.

Synthetic identity numbers begin with 00, which no region's code does, and synthetic institutions
with H00. The two exceptions are the examples printed in the standard itself (GB 11643).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.architecture.sources import text_files, where

PRINTED_IN_THE_STANDARD = {"11010519491231002X", "440524188001010014"}
BIRTH = r"(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
IDENTITY = re.compile(rf"(?<![0-9A-Za-z.])[1-9]\d{{5}}{BIRTH}\d{{3}}[\dXx](?![0-9A-Za-z])")
INSTITUTION = re.compile(r"(?<![0-9A-Za-z])[HP](?!00)\d{11}(?![0-9A-Za-z])")
MACHINE_PATH = re.compile(r"(?<![\w.~$}*])/(?:home|Users|root|wo" r"rk)/\w")


def lines() -> Iterator[tuple[str, str]]:
    """Every line of every text file, with where it is."""
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            yield f"{where(path)}:{number}", line


def test_no_identity_number_could_belong_to_a_person() -> None:
    found = [
        place
        for place, line in lines()
        if any(n.upper() not in PRINTED_IN_THE_STANDARD for n in IDENTITY.findall(line))
    ]
    assert not found


def test_no_institution_code_could_belong_to_a_hospital() -> None:
    assert not [place for place, line in lines() if INSTITUTION.search(line)]


def test_no_path_of_a_developers_machine() -> None:
    assert not [place for place, line in lines() if MACHINE_PATH.search(line)]
