"""人员引用与密钥: from an identity number to a reference, and from a reference to its key.

The number itself is stored nowhere: a keyed index finds the row, a random uid gives the reference,
and a random key (DEK), wrapped by the KEK, seals everything about the person. Destroying that key
is what erasure means (gateway/store/erasure.py). Sources: security.md §§4–7.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, insert, select

from gateway.domain.errors import InvariantViolated
from gateway.ports import Clock
from gateway.store.errors import SubjectErased
from gateway.store.keyring import INDEX_EPOCH, Keyring
from gateway.store.prepared import Prepared
from gateway.store.sealing import Place, Salt, seal, unseal
from gateway.store.tables import SUBJECT
from ledger.reads import to_us

HOUSE = "house"
"""The subject of what is about no person, e.g. evidence of an erasure."""
CACHED_MAX = 20_000
_UID_SIZE = 16

_BY_INDEX = Prepared(
    select(SUBJECT.c.subject_ref, SUBJECT.c.wrapped_dek).where(
        SUBJECT.c.index_epoch == bindparam("epoch"), SUBJECT.c.id_index == bindparam("id_index")
    )
)
_DEK = Prepared(select(SUBJECT.c.wrapped_dek).where(SUBJECT.c.subject_ref == bindparam("ref")))
_INSERT = Prepared(insert(SUBJECT))


class CipherCache:
    """Opened keys of committed subjects, newest used last, shared by writer and readers.

    A reader whose snapshot is older than an erasure must not bring the key back: it says which
    generation it began in, and what it learned is dropped when the generation has changed.
    """

    def __init__(self, maximum: int = CACHED_MAX) -> None:
        self._maximum = maximum
        self._ciphers: OrderedDict[str, AESGCM] = OrderedDict()
        self._lock = threading.Lock()
        self.generation = 0

    def get(self, ref: str) -> AESGCM | None:
        with self._lock:
            cipher = self._ciphers.get(ref)
            if cipher is not None:
                self._ciphers.move_to_end(ref)
            return cipher

    def put(self, learned: dict[str, AESGCM], *, generation: int) -> None:
        with self._lock:
            if generation != self.generation:
                return
            self._ciphers.update(learned)
            while len(self._ciphers) > self._maximum:
                self._ciphers.popitem(last=False)

    def forget(self, ref: str) -> None:
        with self._lock:
            self._ciphers.pop(ref, None)
            self.generation += 1


class Subjects:
    """The subjects as one transaction sees them. What it learns is shared only by `remember`."""

    def __init__(
        self, connection: Connection, keyring: Keyring, cache: CipherCache, salt: Salt
    ) -> None:
        self._connection = connection
        self._keyring = keyring
        self._cache = cache
        self._salt = salt
        self._learned: dict[str, AESGCM] = {}
        self._wrapped: dict[str, bytes] = {}
        self._generation = cache.generation

    def find(self, id_number: str) -> str | None:
        """The reference of a person we have seen."""
        row = _BY_INDEX.rows(
            self._connection,
            {"epoch": INDEX_EPOCH, "id_index": self._keyring.id_index(id_number)},
        ).one_or_none()
        if row is None:
            return None
        ref: str = row.subject_ref
        if row.wrapped_dek is not None:  # whoever asks for the person will ask for the key
            self._wrapped[ref] = row.wrapped_dek
        return ref

    def find_or_make(self, id_number: str, clock: Clock) -> str:
        """The reference of a person, made on first sight."""
        return self.find(id_number) or self._make(self._keyring.id_index(id_number), clock)

    def house(self, clock: Clock) -> str:
        """The reference HOUSE, made on first use."""
        row = _DEK.rows(self._connection, {"ref": HOUSE}).one_or_none()
        return HOUSE if row is not None else self._make(None, clock, ref=HOUSE)

    def cipher(self, ref: str) -> AESGCM:
        """The key of a subject. Raises SubjectErased, Undecipherable or InvariantViolated."""
        known = self._learned.get(ref) or self._cache.get(ref)
        if known is not None:
            return known
        wrapped = self._wrapped.get(ref) or self._wrapped_dek(ref)
        dek = unseal(self._keyring.kek, Place("subject", ref, "wrapped_dek"), wrapped)
        cipher = self._learned[ref] = AESGCM(dek)
        return cipher

    def _wrapped_dek(self, ref: str) -> bytes:
        row = _DEK.rows(self._connection, {"ref": ref}).one_or_none()
        if row is None:
            raise InvariantViolated("there is no such subject")
        if row.wrapped_dek is None:
            raise SubjectErased
        wrapped: bytes = row.wrapped_dek
        return wrapped

    def remember(self) -> None:
        """Share what was learned: after the commit, or at the end of a snapshot."""
        if self._learned:
            self._cache.put(self._learned, generation=self._generation)

    def _make(self, id_index: bytes | None, clock: Clock, *, ref: str = "") -> str:
        uid, dek = self._salt()[:_UID_SIZE], self._salt()
        ref = ref or self._keyring.subject_ref(uid)
        kek = self._keyring.kek
        _INSERT.write(
            self._connection,
            {
                "subject_ref": ref,
                "id_index": id_index,
                "index_epoch": INDEX_EPOCH,
                "wrapped_uid": seal(kek, Place("subject", ref, "wrapped_uid"), uid, self._salt),
                "wrapped_dek": seal(kek, Place("subject", ref, "wrapped_dek"), dek, self._salt),
                "kek_id": self._keyring.kek_id,
                "created_us": to_us(clock.now()),
                "erased_us": None,
            },
        )
        self._learned[ref] = AESGCM(dek)
        return ref
