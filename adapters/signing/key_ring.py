"""密钥环: the sets of keys of one province, each with the moment from which we sign with it.

Rotation: for a while two sets are live. We sign with the one in force; an answer may be signed with
either, since nobody changes two machines at one moment. Pure; not here: where the sets are read
from, when they are read again (gateway/secret_files.py). Moments are aware.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from adapters.signing.scheme import Secrets

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stage:
    """What is live from a moment on, until the next stage begins."""

    since: datetime
    secrets: Secrets


@dataclass(frozen=True, slots=True)
class KeyRing:
    """One province's stages, earliest first; never empty."""

    stages: tuple[Stage, ...]

    def at(self, moment: datetime) -> Secrets:
        """The set in force and the others that are live: one object while nothing changes."""
        begun = [stage.secrets for stage in self.stages if stage.since <= moment]
        return begun[-1] if begun else self.stages[0].secrets


def one_set(secrets: Secrets) -> KeyRing:
    """For keys that have no dates."""
    return KeyRing((Stage(LONG_AGO, secrets),))


def ring(
    current: Secrets,
    previous: Secrets | None = None,
    previous_until: datetime | None = None,
    upcoming: tuple[Secrets, datetime] | None = None,
) -> KeyRing:
    """`previous` stays live until its end, or as long as it is given; `upcoming` is live at once,
    since the platform may have changed already, and signs from its moment on."""
    next_set = upcoming[0] if upcoming else None
    stages = [Stage(LONG_AGO, replace(current, previous=previous, upcoming=next_set))]
    if previous and previous_until:
        stages.append(Stage(previous_until, replace(current, upcoming=next_set)))
    if upcoming:
        stages = [stage for stage in stages if stage.since < upcoming[1]]
        stages.append(Stage(upcoming[1], replace(upcoming[0], previous=current)))
    return KeyRing(tuple(stages))
