"""Answers: the bytes of what was answered lately, for whoever asks the same while nothing has changed.

What is kept belongs to one state of the books; the first look after a commit lets go of all of it. A document that asks for something that
the clock moves has the whole second in its key. What says who asks, or what this server does, is never kept, and neither is an answer
with an error in it, or one made while the store could not be read. The byte budget is the reader's, so it is compared after the look.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from graphql import DocumentNode, OperationType, TokenKind

from graph.kept import Kept
from resolvers.counters import Counters
from resolvers.memory import Memory
from resolvers.versions import Versions
from trading_bot.clock import Clock
from trading_bot.domain.errors import Scope
from trading_bot.domain.health import OFFLINE_AFTER_SECONDS, STALE_AFTER_SECONDS

KEPT_ROOTS = frozenset(
    {
        "botSessions",
        "botState",
        "botSummary",
        "bots",
        "candles",
        "changes",
        "command",
        "commands",
        "config",
        "configDiff",
        "configHistory",
        "decisions",
        "errorCodes",
        "errors",
        "fills",
        "marketSnapshot",
        "performanceAlerts",
        "riskEvents",
        "tradePlans",
        "trades",
        "workflowRun",
        "workflowRuns",
    }
)
"""Root fields that say what the books say and no more. All others are answered anew: `viewer` and `configPlan` say who asks, `metrics` what
this server does, `workflow` and `workflows` what lies in files."""
CLOCKED = frozenset({"dataAgeSeconds", "generatedAt", "lastHeartbeat", "timestamp", "warnings"})
"""Fields that the clock moves, whatever type they are of; and so do those whose name begins with `health`."""
ROOM_BYTES = 8 * 1024 * 1024
"""Of all that is kept."""
KEY_BYTES = 512
"""What an entry takes beside its bytes, about."""

_OFFLINE_AFTER = timedelta(seconds=OFFLINE_AFTER_SECONDS)
_STALE_AFTER = timedelta(seconds=STALE_AFTER_SECONDS)
_MOVED = re.compile("|".join((*sorted(CLOCKED), "health")))
"""Wherever they stand: a name that merely has one of these in it costs a second's use, and `timestamp...F` is one word below."""
_WORDS = re.compile(r"#[^\n\r]*|[\w.+-]+|[^\s,\ufeff]")
"""The words of a document without texts, and its comments."""

CacheKey = tuple[Hashable, ...]
"""What the same answer is given to: document, operation, variables, scope, and the second where the clock matters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What of a document matters for its answer, however it is laid out."""

    text: str
    """The document without comments, its words apart by one space."""
    is_clocked: bool
    """Whether it names a field that the clock moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What may be answered with the same bytes again, at one moment or while one state lasts."""

    form: Form
    operation_name: str | None
    variables: bytes
    """As JSON, by name."""

    def key(self, scope: Scope, now: datetime) -> CacheKey:
        """Where its answer stands."""
        second = int(now.timestamp()) if self.form.is_clocked else None
        return (self.form.text, self.operation_name, self.variables, scope, second)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    raw: bytes
    ends_at: float
    """Monotonic seconds."""
    ends_by: datetime
    """Wall clock: where health or its age would be another."""


@dataclass(slots=True, kw_only=True)
class Answers:
    """Whole answers to queries. Used from the event loop only."""

    clock: Clock
    memory: Memory
    counters: Counters
    _versions: Versions = ()
    _kept: Kept[CacheKey, _Entry] = field(default_factory=lambda: Kept(room=ROOM_BYTES))

    def find(self, versions: Versions, subject: Subject, scope: Scope) -> bytes | None:
        """The answer that was given in this state, unless it is too old; counted where there is one."""
        if versions != self._versions:
            self._kept.clear()
            self._versions = versions
        now = self.clock.now()
        entry = self._kept.get(subject.key(scope, now))
        if entry is None or self.clock.monotonic() >= entry.ends_at or now >= entry.ends_by:
            return None
        self.counters.cache_hits += 1
        return entry.raw

    def keep(self, versions: Versions, subject: Subject, scope: Scope, raw: bytes, *, since: datetime) -> None:
        """Keep a whole answer to which work began at `since` in that state; nothing where the state is another by now."""
        if versions != self._versions or self.memory.ttl <= 0:
            return
        now = self.clock.now()
        key = subject.key(scope, since)
        if subject.form.is_clocked and key != subject.key(scope, now):  # the second went over while it was made
            return
        entry = _Entry(raw=raw, ends_at=self.clock.monotonic() + self.memory.ttl, ends_by=self._deadline(now))
        self._kept.put(key, entry, len(raw) + len(subject.form.text) + len(subject.variables) + KEY_BYTES)

    def _deadline(self, now: datetime) -> datetime:
        """When a bot goes OFFLINE or its data gets stale, though nothing is written."""
        first = now + timedelta(seconds=self.memory.ttl)
        for known in self.memory.facts.values():
            runtime = known.facts.runtime
            read_at = runtime.observed_at or runtime.started_at or runtime.last_heartbeat
            for since, after in ((runtime.last_heartbeat, _OFFLINE_AFTER), (read_at, _STALE_AFTER)):
                if since is not None and now < since + after < first:
                    first = since + after
        return first


def form_of(tree: DocumentNode) -> Form:
    """The form of a parsed document, read off its words."""
    text = "" if tree.loc is None else tree.loc.source.body
    words = _words_and_texts(tree) if '"' in text else [word for word in _WORDS.findall(text) if word[0] != "#"]
    whole = " ".join(words)
    return Form(text=whole, is_clocked=_MOVED.search(whole) is not None)


def _words_and_texts(tree: DocumentNode) -> list[str]:
    """The words of a document with texts in it, which may be written in several ways."""
    words: list[str] = []
    token = tree.loc.start_token.next if tree.loc is not None else None
    while token is not None and token.kind is not TokenKind.EOF:
        if token.kind in (TokenKind.STRING, TokenKind.BLOCK_STRING):
            words.append(orjson.dumps(token.value).decode())
        elif token.kind is not TokenKind.COMMENT:
            words.append(token.value or token.kind.value)
        token = token.next
    return words


def is_kept(kind: OperationType, root_fields: frozenset[str]) -> bool:
    """Whether answers to such an operation may be given again."""
    return kind is OperationType.QUERY and bool(root_fields) and root_fields <= KEPT_ROOTS
