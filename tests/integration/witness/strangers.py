"""A check of an exported log by tlog-scales, an implementation of tlog-tiles that is not ours."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey, VkeySet
from tlog_scales.tiles import leaf_hash


def check_by_tlog_scales(
    exported: Path, vkey: str, witnesses: Iterable[str] = (), *, entries: Path | None = None
) -> int:
    """The log's signature, each witness's, the root from the tiles, and every entry that may be
    read; answers the tree's size."""
    reader = TilesReader(LocalBackend(exported))
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string(vkey))
    trusted = [Vkey.from_string(witness) for witness in witnesses]
    good = VkeySet(*trusted).verify(checkpoint.signatures, checkpoint)
    assert {key for key, _ in good} == set(trusted)
    assert reader.calculate_root_hash() == checkpoint.root_hash
    size = int(checkpoint.size)
    if entries is not None:
        private = TilesReader(LocalBackend(entries))
        private.set_size(size)
        for index in range(size):
            leaf = leaf_hash(private.get_entry(index))
            reader.get_inclusion_proof(index, size).check(leaf, checkpoint.root_hash)
    for older in range(1, size):
        proof = reader.get_consistency_proof(older, size)
        proof.check(reader.mth(0, older), checkpoint.root_hash)
    return size
