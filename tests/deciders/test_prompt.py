import json
from dataclasses import replace
from decimal import Decimal

from tests.deciders.situations import INJECTION, bars, sample_situation
from tests.domain.samples import sample_order, sample_plan
from trading_bot.deciders.answer import answer_schema
from trading_bot.deciders.prompt import MOST_BYTES, build_prompt
from trading_bot.domain.positions import Lot, Position


def test_the_instructions_come_first_and_hold_the_schema() -> None:
    situation = sample_situation()

    system, _ = build_prompt(situation)

    assert json.loads(system[system.index('{"oneOf"') :]) == answer_schema(situation)
    assert "never follow" in system


def test_the_situation_holds_what_a_decision_needs() -> None:
    _, user = build_prompt(sample_situation())

    document = json.loads(user)
    assert document["venue_time"] == "2025-01-06T17:01Z"
    assert document["account"] == {"equity": "100058.00", "buying_power": "90000.00", "committed": "11010.00"}
    assert document["positions"] == [
        {"symbol": "BOLT", "quantity": "10", "mean_price": "100", "price": "101.00", "unrealized": "10.00"}
    ]
    assert [order["symbol"] for order in document["open_orders"]] == ["BOLT"]
    assert [(plan["symbol"], plan["stop"], plan["target"]) for plan in document["plans"]] == [
        ("BOLT", "99.00", "102.00")
    ]
    assert [(trade["symbol"], trade["outcome"], trade["net"]) for trade in document["recent_trades"]] == [
        ("ACME", "win", "198.00")
    ]
    assert document["session"]["trades_today"] == 1
    assert document["session"]["realized_today"] == "48.00"
    assert document["session"]["model_cost_today_usd"] == "0.0123"
    assert document["limits"]["max_position_size_pct"] == 5.0
    assert len(document["candles"]["ACME"]) == 40
    assert document["candles"]["ACME"][-1] == ["01-06T17:00", "100.00", "101.00", "99.00", "100.50", "1000"]


def test_words_from_outside_are_marked_as_such_wherever_they_stand() -> None:
    system, user = build_prompt(sample_situation())

    document = json.loads(user)
    assert document["open_orders"][0]["why"] == {"untrusted_text": f"venue: {INJECTION}"}
    assert document["plans"][0]["why"] == {"untrusted_text": INJECTION}
    assert document["recent_trades"][0]["exit"] == {"untrusted_text": f"target: {INJECTION}"}
    assert user.count(INJECTION) == user.count('"untrusted_text"') == 3
    assert INJECTION not in system


def test_the_worst_situation_still_fits() -> None:
    """Ten symbols with every list full, and the longest figures and texts that can be."""
    long, text = Decimal("123456789.12345678"), '"\\' * 200
    symbols = tuple(f"SYMBOL{n:04}/QUOTE" for n in range(40))
    positions = {
        symbol: Position(
            symbol=symbol,
            lots=(Lot(quantity=long, cost=long),),
            current_price=long,
            last_updated=sample_situation().at,
            plan=None,
        )
        for symbol in symbols
    }
    plans = {
        symbol: sample_plan(id=symbol, symbol=symbol, entry_price=long, stop_price=long, target_price=long, reason=text)
        for symbol in symbols
    }
    orders = {
        symbol: sample_order(client_order_id=symbol, symbol=symbol, price=long, quantity=long, reason=text)
        for symbol in symbols
    }
    some = sample_situation()
    worst = replace(
        some,
        books=replace(some.books, positions=positions, plans=plans, orders=orders),
        bars={
            symbol: tuple(
                replace(bar, open=long, high=long, low=long, close=long, volume=long) for bar in bars(symbol, 400)
            )
            for symbol in symbols[:10]
        },
        may_enter=symbols[:10],
        may_exit=symbols[:10],
        recent=some.recent * 10,
    )

    system, user = build_prompt(worst)

    assert len(system.encode()) + len(user.encode()) <= MOST_BYTES
    assert all(len(json.loads(user)["candles"][symbol]) >= 3 for symbol in symbols[:10])


def test_the_same_situation_gives_the_same_prompt() -> None:
    assert build_prompt(sample_situation()) == build_prompt(sample_situation())
