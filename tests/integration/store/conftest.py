"""Every test here runs on every database, but for those marked `sqlite`."""

from __future__ import annotations

from tests.postgres.kinds import database_kind, kinds_of, tmp_path

__all__ = ["database_kind", "pytest_generate_tests", "tmp_path"]

pytest_generate_tests = kinds_of
