"""Identity: which feed a ledger belongs to. Another file, seed or starting cash needs another home.

One change is allowed: a candle file that broke off at a broken row may come back mended, equal in every line before that row.
"""

import json

from trading_bot.domain.config import PaperVenue
from trading_bot.domain.money import plain
from trading_bot.errors.fault import Fault
from trading_bot.venues.feeds.feed import Feed
from trading_bot.venues.paper.books import Books
from trading_bot.venues.paper.ledger import Ledger

_FEED, _FILE, _SYMBOLS = "feed", "file", "symbols"
_SOUND_LINES, _SOUND_DIGEST = "sound_lines", "sound_digest"


def known_symbols(ledger: Ledger, config: PaperVenue, feed: Feed) -> tuple[str, ...]:
    """Every symbol of the feed, remembered since the first start; CFG_004 when the ledger belongs to another one."""
    facts, given = ledger.facts(), _identity(config, feed)
    expected: dict[str, str] = json.loads(facts.get(_FEED, "{}"))
    if not expected:
        return feed.symbols()
    if expected == given:
        return tuple(json.loads(facts[_SYMBOLS])) if feed.replay_of else feed.symbols()
    if _is_mended(facts, expected, given, feed):
        return feed.symbols()
    raise Fault(
        "CFG_004",
        "The ledger of this home was begun with another candle file, seed or starting cash.",
        context={"expected": {**expected, _FILE: facts.get(_FILE)}, "given": {**given, _FILE: feed.replay_of}},
    )


def tradable(asked: tuple[str, ...], known: tuple[str, ...], books: Books | None) -> tuple[str, ...]:
    """What is traded, sorted: what was asked for, or all, and what is still held or ordered. CFG_001 for what the feed has not."""
    missing = sorted(set(asked) - set(known))
    if missing:
        raise Fault(
            "CFG_001",
            f"Expected symbols that the feed has, {missing[0][:20]} is not among them.",
            context={"field": "symbols", "missing": missing[:10], "known": list(known[:50])},
        )
    kept = {*books.holdings, *(working.order.symbol for working in books.orders.values())} if books else set()
    return tuple(sorted({*(asked or known), *kept}))


def bind(ledger: Ledger, config: PaperVenue, feed: Feed, known: tuple[str, ...]) -> None:
    """Make the ledger that of this feed."""
    given = {
        _FEED: json.dumps(_identity(config, feed), sort_keys=True),
        _FILE: feed.replay_of or "",
        _SYMBOLS: json.dumps(known),
    }
    if given.items() - ledger.facts().items():
        ledger.note({**given, _SOUND_LINES: "", _SOUND_DIGEST: ""})


def remember_break(ledger: Ledger, feed: Feed, fault: Fault) -> None:
    """Note what of the file was sound, when it broke off at a broken row."""
    if fault.code != "DATA_002":
        return
    lines = int(fault.context["line"]) - 1
    digest = feed.digest(lines) if ledger.facts().get(_SOUND_LINES) != str(lines) else None
    if digest is not None:
        ledger.note({_SOUND_LINES: str(lines), _SOUND_DIGEST: digest})


def _identity(config: PaperVenue, feed: Feed) -> dict[str, str]:
    return {**feed.identity, "starting_cash": plain(config.starting_cash.normalize())}


def _is_mended(facts: dict[str, str], expected: dict[str, str], given: dict[str, str], feed: Feed) -> bool:
    if not facts.get(_SOUND_LINES) or {**expected, "sha256": ""} != {**given, "sha256": ""}:
        return False
    return feed.digest(int(facts[_SOUND_LINES])) == facts[_SOUND_DIGEST]
