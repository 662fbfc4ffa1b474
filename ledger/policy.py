"""见证策略: which logs are believed, which witnesses, and how many of them must have cosigned.

Pure. Reads and writes C2SP tlog-policy files and judges a checkpoint by one. Dates of keys are our
own addition (the file format has none), written as comments that others pass over:

    # yrd-valid log|witness <name> <first day or -> <last day or -> [why]
    # yrd-valid policy <first day or -> <last day or -> [why]

days of Shanghai, both included. A cosignature outside its witness's dates does not count. A log's
key and the policy itself are judged by the time that the witnesses name, since a checkpoint holds
none. Names are opaque; a file that is not UTF-8 is carried unharmed. Source: C2SP tlog-policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone

from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.cosignature import Cosignature, CosignatureVerifier, cosignatures
from ledger.note import KeyMalformed, NoteInvalid, NoteVerifier

POLICY_MAX = 256 * 1024
"""Most bytes of a policy file."""
NAMES_MAX = 1_000
"""Most witnesses and groups together; the format asks for 32 of each."""
NONE = "none"
"""The quorum that asks for no witness."""
SHANGHAI = timezone(timedelta(hours=8))
"""Where days begin and end; without summer time since 1991."""
_VALID, _OPEN = "yrd-valid", "-"
_EPOCH_DAY = date(1970, 1, 1)


class PolicyMalformed(ValueError):
    """A policy that cannot be used. Names the line."""


class PolicyUnmet(Exception):
    """A checkpoint that the policy does not accept."""


class KeyOutOfDate(PolicyUnmet):
    """A checkpoint whose key, or the policy itself, is not shown to have been good at its time."""


@dataclass(frozen=True, slots=True)
class KeyDates:
    """有效期 of a key, both ends included, in seconds since 1970 UTC; None is open."""

    first: int | None = None
    last: int | None = None

    @classmethod
    def of_days(cls, first: date | None, last: date | None) -> KeyDates:
        """From the beginning of one day of Shanghai to the end of another.

        Raises ValueError if there is no day between them.
        """
        if first is not None and last is not None and first > last:
            raise ValueError(f"the first day {first} is after the last {last}")
        return cls(
            None if first is None else _midnight(first),
            None if last is None else _midnight(last) + 86_399,
        )

    def hold(self, at: int) -> bool:
        """Whether the key may be used at this time."""
        return (self.first is None or at >= self.first) and (self.last is None or at <= self.last)

    def days(self) -> tuple[str, str]:
        """First and last day in Shanghai, ISO 8601; "-" is open."""
        return _day(self.first), _day(self.last)

    def __str__(self) -> str:
        return " … ".join(self.days())


ALWAYS = KeyDates()


@dataclass(frozen=True, slots=True)
class Log:
    """One log whose checkpoints are accepted."""

    key: NoteVerifier
    url: str = ""
    dates: KeyDates = ALWAYS


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness, by the name that groups and the quorum know it by."""

    name: str
    key: CosignatureVerifier
    url: str = ""
    dates: KeyDates = ALWAYS


@dataclass(frozen=True, slots=True)
class Group:
    """`threshold` of the members are needed; a member is a witness or another group."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What the policy accepted."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    """Those that count."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses and the quorum."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...] = ()
    quorum: str = NONE
    dates: KeyDates = ALWAYS
    """Of the policy itself: it says nothing of what was cosigned before or after."""
    _members: Mapping[str, Group] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "_members", {group.name: group for group in self.groups})

    @classmethod
    def k_of(cls, quorum: int, witnesses: Sequence[Witness], logs: Sequence[Log] = ()) -> Policy:
        """`quorum` of these witnesses; 0 asks for none. Raises PolicyMalformed."""
        if not 0 <= quorum <= len(witnesses):
            raise PolicyMalformed(f"a quorum of {quorum} is not to be had of {len(witnesses)}")
        if not quorum:
            return cls(tuple(logs), tuple(witnesses))
        names = tuple(witness.name for witness in witnesses)
        group = Group("quorum-of-witnesses", quorum, names)
        return cls(tuple(logs), tuple(witnesses), (group,), group.name)

    def judge(self, note: str, *, now: int | None = None) -> Witnessed:
        """The checkpoint, if one of the logs signed it and the quorum is met.

        `now` dates a checkpoint that no witness dates. Raises NoteInvalid for a bad note or
        signature, KeyOutOfDate or PolicyUnmet for one that is good and not enough.
        """
        log, checkpoint = self._opened(note)
        seen = cosignatures(note, [witness.key for witness in self.witnesses])
        dated = {witness.key.vkey: witness for witness in self.witnesses}
        counted = [c for c in seen if dated[c.witness.vkey].dates.hold(c.at)]
        for whose, dates in ((f"the key of {log.key.name}", log.dates), ("the policy", self.dates)):
            if dates != ALWAYS:
                counted = _within(whose, dates, counted, now)
        names = {dated[c.witness.vkey].name for c in counted}
        if not self._met(self.quorum, names):
            late = len(seen) - len(counted)
            past = f" ({late} more by keys outside their dates)" if late else ""
            raise PolicyUnmet(
                f"cosigned by {_listed(names)}{past}, which does not meet the quorum {self.quorum}"
            )
        return Witnessed(checkpoint, tuple(counted))

    def to_text(self) -> str:
        """The policy as a tlog-policy file; dates of keys are comments in it."""
        lines = [f"log {log.key.vkey} {log.url}".rstrip() for log in self.logs]
        lines += [f"witness {w.name} {w.key.vkey} {w.url}".rstrip() for w in self.witnesses]
        lines += [f"group {g.name} {g.threshold} {' '.join(g.members)}" for g in self.groups]
        lines.append(f"quorum {self.quorum}")
        dated = [(f"log {log.key.name}", log.dates) for log in self.logs]
        dated += [(f"witness {witness.name}", witness.dates) for witness in self.witnesses]
        for whose, dates in [*dated, ("policy", self.dates)]:
            if dates != ALWAYS:
                lines.append(f"# {_VALID} {whose} {' '.join(dates.days())}")
        return "".join(f"{line}\n" for line in lines)

    def _opened(self, note: str) -> tuple[Log, Checkpoint]:
        refused = NoteInvalid("the policy names no log")
        for log in self.logs:
            try:
                return log, open_checkpoint(note, log.key)
            except NoteInvalid as error:
                refused = error
        raise refused

    def _met(self, name: str, cosigned: set[str]) -> bool:
        if name == NONE:
            return True
        group = self._members.get(name)
        if group is None:
            return name in cosigned
        return sum(self._met(member, cosigned) for member in group.members) >= group.threshold


def parse_policy(data: bytes) -> Policy:
    """Read a tlog-policy file. Raises PolicyMalformed naming the line."""
    if len(data) > POLICY_MAX:
        raise PolicyMalformed(f"a policy has at most {POLICY_MAX} bytes")
    lines = data.split(b"\n")
    if lines.pop():
        raise PolicyMalformed("the last line of a policy ends with a newline, as every line does")
    reader = _Reader()
    for number, line in enumerate(lines, start=1):
        try:
            reader.take(_words(line))
            reader.date(_split(line))
        except (PolicyMalformed, KeyMalformed) as error:
            raise PolicyMalformed(f"line {number}: {error}") from error
    return reader.policy()


class _Rules:
    """What holds for every policy, told line by line."""

    def __init__(self) -> None:
        self._names = {NONE}
        self._grouped: set[str] = set()
        self._log_keys: set[bytes] = set()
        self._witness_keys: set[bytes] = set()

    def log(self, log: Log) -> None:
        if log.key.public_key in self._log_keys:
            raise PolicyMalformed("two logs have one key")
        self._log_keys.add(log.key.public_key)

    def witness(self, witness: Witness) -> None:
        # One key under two names would be counted twice.
        if witness.key.public_key in self._witness_keys:
            raise PolicyMalformed("two witnesses have one key")
        self._witness_keys.add(witness.key.public_key)
        self._define(witness.name)

    def group(self, group: Group) -> None:
        if not 1 <= group.threshold <= len(group.members):
            raise PolicyMalformed("a group asks for 1 to all of its members")
        for member in group.members:
            if member == NONE or member not in self._names:
                raise PolicyMalformed(f"{_shown(member)} is not defined above")
            if member in self._grouped:
                raise PolicyMalformed(f"{_shown(member)} is in a group already")
            self._grouped.add(member)
        self._define(group.name)

    def quorum(self, name: str) -> None:
        if name not in self._names:
            raise PolicyMalformed(f"{_shown(name)} is not defined above")

    def _define(self, name: str) -> None:
        if not name or any(char <= " " or char == "\x7f" for char in name):
            raise PolicyMalformed("a name is not empty and has no space or control character")
        if name in self._names:
            raise PolicyMalformed(f"{_shown(name)} is defined already")
        self._names.add(name)
        if len(self._names) > NAMES_MAX:
            raise PolicyMalformed("more witnesses and groups than anybody needs")


class _Reader:
    """The lines of a policy file as they come."""

    def __init__(self) -> None:
        self._rules = _Rules()
        self._logs: list[Log] = []
        self._witnesses: list[Witness] = []
        self._groups: list[Group] = []
        self._quorum: str | None = None
        self._dates: dict[tuple[str, ...], KeyDates] = {}

    def date(self, words: list[str]) -> None:
        """A comment, of which one kind gives somebody's dates."""
        if words[:2] != ["#", _VALID]:
            return
        whose, dates = _dates(words[2:])
        if whose in self._dates:
            raise PolicyMalformed(f"{_shown(' '.join(whose))} has dates already")
        self._dates[whose] = dates

    def take(self, words: list[str]) -> None:
        match words:
            case []:
                return
            case ["log", vkey, *url] if len(url) <= 1:
                self._logs.append(Log(NoteVerifier.from_vkey(vkey), "".join(url)))
                self._rules.log(self._logs[-1])
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._witnesses.append(
                    Witness(name, CosignatureVerifier.from_vkey(vkey), "".join(url))
                )
                self._rules.witness(self._witnesses[-1])
            case ["group", name, threshold, *members] if members:
                group = Group(name, _threshold(threshold, len(members)), tuple(members))
                self._groups.append(group)
                self._rules.group(group)
            case ["quorum", name] if self._quorum is None:
                self._rules.quorum(name)
                self._quorum = name
            case _:
                raise PolicyMalformed("not a log, witness, group or (the one) quorum line")

    def policy(self) -> Policy:
        if self._quorum is None:
            raise PolicyMalformed("a policy has exactly one quorum line")
        used: set[tuple[str, ...]] = set()

        def of(*whose: str) -> KeyDates:
            used.add(whose)
            return self._dates.get(whose, ALWAYS)

        made = Policy(
            tuple(replace(log, dates=of("log", log.key.name)) for log in self._logs),
            tuple(replace(w, dates=of("witness", w.name)) for w in self._witnesses),
            tuple(self._groups),
            self._quorum,
            of("policy"),
        )
        for whose in self._dates.keys() - used:
            # A slip of the pen here would be a key that never ends.
            raise PolicyMalformed(f"{_shown(' '.join(whose))} has dates and is not named here")
        return made


def _check(policy: Policy) -> None:
    rules = _Rules()
    for log in policy.logs:
        rules.log(log)
    for witness in policy.witnesses:
        rules.witness(witness)
    for group in policy.groups:
        rules.group(group)
    rules.quorum(policy.quorum)


def _within(
    whose: str, dates: KeyDates, counted: list[Cosignature], now: int | None
) -> list[Cosignature]:
    """The cosignatures made within these dates; without any cosignature, `now` has to be."""
    good = [cosignature for cosignature in counted if dates.hold(cosignature.at)]
    if counted and not good:
        when = ", ".join(f"{_moment(c.at)} ({c.witness.name})" for c in counted)
        raise KeyOutOfDate(f"{whose} is good for {dates}; its witnesses say {when}")
    if not counted and now is None:
        raise KeyOutOfDate(f"{whose} is good for {dates}, and nobody says when it was used")
    if not counted and now is not None and not dates.hold(now):
        raise KeyOutOfDate(
            f"{whose} is good for {dates}; no witness dates it, it is {_moment(now)}"
        )
    return good


def _dates(words: list[str]) -> tuple[tuple[str, ...], KeyDates]:
    """Whose, and which, by the rest of a comment that gives dates."""
    whose = tuple(words[:1] if words[:1] == ["policy"] else words[:2])
    days = words[len(whose) : len(whose) + 2]
    form = f"# {_VALID} log NAME|witness NAME|policy FIRST LAST, days or - for an open end"
    if whose[:1] not in (("policy",), ("log",), ("witness",)) or len(days) != 2:
        raise PolicyMalformed(form)
    try:
        first, last = (None if day == _OPEN else date.fromisoformat(day) for day in days)
        return whose, KeyDates.of_days(first, last)
    except ValueError as error:
        raise PolicyMalformed(f"{form}: {error}") from error


def _midnight(day: date) -> int:
    """The first second of a day in Shanghai."""
    return (day - _EPOCH_DAY).days * 86_400 - 28_800


def _day(at: int | None) -> str:
    return _OPEN if at is None else datetime.fromtimestamp(at, SHANGHAI).date().isoformat()


def _moment(at: int) -> str:
    # What a signature says may lie beyond all calendars.
    if at > 253_402_300_799:
        return f"second {at}"
    return datetime.fromtimestamp(at, UTC).isoformat()


def _words(line: bytes) -> list[str]:
    if any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in line):
        raise PolicyMalformed("a policy has no control character but tab and newline")
    words = _split(line)
    return [] if words and words[0].startswith("#") else words


def _split(line: bytes) -> list[str]:
    # Names are octets: what is no UTF-8 survives as surrogates, each spelling by itself.
    words = line.replace(b"\t", b" ").split(b" ")
    return [word.decode("utf-8", "surrogateescape") for word in words if word]


def _threshold(text: str, members: int) -> int:
    if text in ("all", "any"):
        return members if text == "all" else 1
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and text[0] != "0"):
        raise PolicyMalformed("a group asks for all, any or a number of its members")
    return int(text)


def _listed(names: set[str]) -> str:
    return ", ".join(_shown(name) for name in sorted(names)) or "nobody"


def _shown(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:64]
