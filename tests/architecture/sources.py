"""The files that the house rules are about, and how to read them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
OURS = ("gateway", "adapters", "ledger", "tests", "tools", "bench")
TEXTS = {
    ".py", ".pyi", ".md", ".toml", ".csv", ".json", ".jsonl", ".proto", ".yaml", ".yml", ".sh",
    ".txt", ".sql", ".html", ".js", ".css", ".lock", ".in", ".cfg", ".ini",
}  # fmt: skip
BARE_NAMES = {"yrd", "Dockerfile", "run", "LICENSE", ".gitignore", ".dockerignore"}
NOT_OURS = {".venv", ".git", ".yrd", "__pycache__", "node_modules", "vendor", "data"}
CACHES = {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}


def is_generated(path: Path) -> bool:
    """True for protobuf stubs, which a tool wrote."""
    return "_pb2" in path.name


def where(path: Path) -> str:
    """A path as a person names it."""
    return path.relative_to(HOME).as_posix()


def python_files(*folders: str) -> list[Path]:
    """Our own Python files under the given top folders (all of them when none is named)."""
    found = (path for top in folders or OURS for path in (HOME / top).rglob("*.py"))
    return sorted(p for p in found if not is_generated(p) and "__pycache__" not in p.parts)


def text_files() -> list[Path]:
    """Every text file of the repository, generated and locked ones included."""
    found = []
    for path in HOME.rglob("*"):
        parts = path.relative_to(HOME).parts
        if parts[0] in NOT_OURS | CACHES or "__pycache__" in parts or not path.is_file():
            continue
        if path.suffix in TEXTS or path.name in BARE_NAMES:
            found.append(path)
    return sorted(found)


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute chain, or the empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""
