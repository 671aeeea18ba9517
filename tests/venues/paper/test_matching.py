"""The exchange over several minutes: turns, volume, hours, expiry, cash."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from tests.venues.hand_made import MINUTE, OPEN, Exchange, bar, flat, run
from trading_bot.domain.config import FaultRates
from trading_bot.domain.orders import OrderStatus, Side

BUY, SELL = Side.BUY, Side.SELL


def ending(exchange: Exchange, name: str) -> tuple[str, str, str | None]:
    order = exchange.order(name)
    return order.status.value, f"{order.filled:f}", order.reason


def test_an_order_trades_in_the_next_bar_not_in_the_one_it_was_sent_after(tmp_path: Path) -> None:
    bars = [bar("100 100 90 100"), bar("100 100 95 100", at=1), bar("100 100 90 100", at=2)]
    exchange = Exchange(tmp_path, bars)
    exchange.tick()
    exchange.place("in", limit="91")  # would have traded in the bar that is over

    exchange.tick()
    assert exchange.fills() == []
    exchange.tick()
    assert exchange.fills() == ["in 10 @ 91"]


def test_an_order_sent_before_the_first_bar_trades_in_it(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, [bar("100 101 99 100")])
    exchange.place("in", limit="105")

    exchange.tick()

    assert exchange.fills() == ["in 10 @ 100"]


def test_each_symbol_waits_for_a_bar_of_its_own(tmp_path: Path) -> None:
    exchange = Exchange(
        tmp_path, [*flat(4), bar("50 50 50 50", symbol="BOLT"), bar("51 51 51 51", symbol="BOLT", at=3)]
    )
    exchange.tick()
    exchange.place("in", symbol="BOLT")

    exchange.tick(2)
    assert exchange.fills() == []
    exchange.tick()
    assert exchange.fills() == ["in 10 @ 51"]
    assert exchange.order("in").updated_at == OPEN + 4 * MINUTE


def test_the_stop_wins_over_the_target_in_the_same_bar(tmp_path: Path) -> None:
    """Both exits of one position, each for half of it; volume is there for one of them."""
    bars = [bar("100 100 100 100"), bar("100 100 100 100", at=1), bar("100 110 90 100", at=2, volume="5")]
    exchange = Exchange(tmp_path, bars)
    exchange.tick()
    exchange.place("in", quantity="10")
    exchange.tick()
    exchange.place("target", SELL, "5", limit="105")
    exchange.place("stop", SELL, "5", stop="95")

    exchange.tick()

    assert exchange.fills() == ["in 10 @ 100", "stop 5 @ 95"]


def test_market_orders_trade_before_stops_and_stops_before_limits_each_by_age(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, [bar("100 100 100 100"), bar("100 105 95 100", at=1)])
    exchange.tick()
    exchange.place("limit", quantity="1", limit="99")
    exchange.place("stop", quantity="1", stop="101")
    exchange.place("market", quantity="1")
    exchange.place("stop-limit", quantity="1", stop="101", limit="102")
    exchange.place("market-2", quantity="1")

    exchange.tick()

    assert [fill.split()[0] for fill in exchange.fills()] == ["market", "market-2", "stop", "stop-limit", "limit"]


def test_all_orders_of_a_symbol_share_the_volume_and_the_rest_waits(tmp_path: Path) -> None:
    bars = [bar("10 10 10 10", at=minute, volume="99") for minute in range(4)]
    exchange = Exchange(tmp_path, bars, volume_share=Decimal("0.1"))  # 9 whole shares a bar
    exchange.tick()
    exchange.place("a", quantity="5")
    exchange.place("b", quantity="10")

    exchange.tick()
    assert exchange.fills() == ["a 5 @ 10", "b 4 @ 10"]
    assert ending(exchange, "b") == ("PARTIALLY_FILLED", "4", None)
    exchange.tick()
    assert exchange.fills()[2:] == ["b 6 @ 10"]
    assert ending(exchange, "b") == ("FILLED", "10", None)


def test_a_bar_with_too_little_volume_triggers_a_stop_that_goes_on_as_a_market_order(tmp_path: Path) -> None:
    bars = [bar("10 10 10 10"), bar("10 12 10 11", at=1, volume="0"), bar("9 9 9 9", at=2)]
    exchange = Exchange(tmp_path, bars)
    exchange.tick()
    exchange.place("in", stop="11")
    exchange.tick()
    exchange.reopen()

    exchange.tick()

    assert exchange.fills() == ["in 10 @ 9"]


def test_average_price_is_weighted_by_quantity(tmp_path: Path) -> None:
    bars = [bar("10 10 10 10"), bar("10 10 10 10", at=1, volume="1"), bar("11 11 11 11", at=2, volume="2")]
    exchange = Exchange(tmp_path, bars)
    exchange.tick()
    exchange.place("in", quantity="3")
    exchange.tick(2)

    assert exchange.order("in").average_price == Decimal("10.66666667")


def test_extended_hours_are_kept_as_prices_and_match_nothing(tmp_path: Path) -> None:
    early = OPEN - 5 * MINUTE
    bars = [bar("100 100 100 100", at=early), bar("90 120 80 90", at=early + MINUTE), bar("100 101 99 100", at=0)]
    exchange = Exchange(tmp_path, bars)
    exchange.tick()
    exchange.place("limit", limit="85")
    exchange.place("stop", stop="110")
    exchange.place("market", quantity="2")

    update = exchange.tick()
    assert (exchange.fills(), update.market_open) == ([], frozenset())
    assert exchange.venue._books.last_bars["ACME"].close == 90

    exchange.tick()
    assert exchange.fills() == ["market 2 @ 100"]  # the stop was not triggered before hours either


def test_equity_orders_end_with_the_session_and_keep_what_was_filled(tmp_path: Path) -> None:
    close = datetime(2025, 1, 6, 21, 0, tzinfo=UTC)
    bars = [
        bar("10 10 10 10", at=close - 3 * MINUTE),
        bar("10 10 10 10", at=close - 2 * MINUTE, volume="4"),
        bar("10 10 10 10", at=close - MINUTE, volume="4"),
        bar("1 1 1 1", at=close),
    ]
    exchange = Exchange(tmp_path, bars)
    exchange.tick()
    exchange.place("in", limit="10")
    exchange.place("far", limit="1", quantity="1")
    update = exchange.tick(2)

    assert update.time == close
    assert ending(exchange, "in") == ("EXPIRED", "8", "the session closed")
    assert ending(exchange, "far") == ("EXPIRED", "0", "the session closed")
    assert exchange.order("far").updated_at == close
    exchange.tick()
    assert exchange.held == {"ACME": Decimal(8)}


def test_orders_expire_over_a_gap_of_the_feed_before_the_next_bar_can_match_them(tmp_path: Path) -> None:
    tuesday = datetime(2025, 1, 7, 15, 0, tzinfo=UTC)
    exchange = Exchange(tmp_path, [bar("10 10 10 10"), bar("1 1 1 1", at=tuesday)])
    exchange.tick()
    exchange.place("in", limit="9")

    exchange.tick()

    assert ending(exchange, "in") == ("EXPIRED", "0", "the session closed")
    assert exchange.order("in").updated_at == datetime(2025, 1, 6, 21, 0, tzinfo=UTC)


def test_an_order_sent_after_the_close_is_good_for_the_next_session(tmp_path: Path) -> None:
    evening, tuesday = datetime(2025, 1, 6, 22, 0, tzinfo=UTC), datetime(2025, 1, 7, 14, 30, tzinfo=UTC)
    exchange = Exchange(tmp_path, [bar("10 10 10 10", at=evening), bar("11 11 11 11", at=tuesday)])
    exchange.tick()
    exchange.place("in")

    exchange.tick()

    assert exchange.fills() == ["in 10 @ 11"]


def test_coin_orders_never_expire(tmp_path: Path) -> None:
    later = datetime(2025, 3, 1, 3, 0, tzinfo=UTC)
    bars = [bar("10 10 10 10", symbol="BTC/USD"), bar("9 9 9 9", symbol="BTC/USD", at=later)]
    exchange = Exchange(tmp_path, bars)
    exchange.tick()
    exchange.place("in", quantity="0.12345678", limit="9.5", symbol="BTC/USD")

    exchange.tick()

    assert exchange.fills() == ["in 0.12345678 @ 9"]
    assert exchange.cash == Decimal("99998.88888898")  # 0.12345678 x 9 = 1.11111102


def test_cash_effects_and_fees_are_rounded_half_to_even(tmp_path: Path) -> None:
    bars = [bar("10.125 10.125 10.125 10.125", at=minute) for minute in range(3)]
    exchange = Exchange(tmp_path, bars, commission_bps=Decimal(10), commission_per_share=Decimal("0.005"))
    exchange.tick()
    exchange.place("in", quantity="1")
    exchange.tick()

    # 10.125 -> 10.12; fee 10.12 x 0.001 + 0.005 = 0.01512 -> 0.02
    assert exchange.cash == Decimal("99989.86")
    exchange.place("out", SELL, "1")
    exchange.tick()
    assert exchange.cash == Decimal("99999.96")


def test_a_fee_never_takes_more_than_a_sale_brings(tmp_path: Path) -> None:
    bars = [bar("1 1 1 1"), bar("1 1 1 1", at=1), bar("1 1 1 1", at=2)]
    exchange = Exchange(tmp_path, bars, starting_cash=Decimal(101), commission_per_share=Decimal(100))
    exchange.tick()
    exchange.place("in", quantity="1", limit="1")
    exchange.tick()
    exchange.place("out", SELL, "1")
    exchange.tick()

    assert (exchange.cash, exchange.held) == (Decimal(0), {})


def test_a_purchase_that_cash_no_longer_covers_is_cut(tmp_path: Path) -> None:
    bars = [bar("10 10 10 10"), bar("20 20 20 20", at=1)]
    exchange = Exchange(tmp_path, bars, starting_cash=Decimal(105))
    exchange.tick()
    exchange.place("in", quantity="10")  # held back at 10.10 a share

    exchange.tick()

    assert exchange.fills() == ["in 5 @ 20"]
    assert ending(exchange, "in") == ("CANCELLED", "5", "cash does not cover 5 more at 20")
    assert exchange.cash == Decimal("5.00")


def test_a_cut_purchase_takes_the_most_that_cash_pays_for_to_the_last_step(tmp_path: Path) -> None:
    bars = [bar("0.00000001 0.00000001 0.00000001 0.00000001", symbol="DUST/USD", volume="1000000000")]
    bars.append(bar("0.00000003 0.00000003 0.00000003 0.00000003", symbol="DUST/USD", volume="1000000000", at=1))
    exchange = Exchange(tmp_path, bars, starting_cash=Decimal(1), commission_bps=Decimal(3))
    exchange.tick()
    exchange.place("in", quantity="90000000", symbol="DUST/USD")

    exchange.tick()

    # 1 / (0.00000003 x 1.0003) = 33323336.33; the value is rounded to 1e-8 each way
    assert exchange.fills() == ["in 33323336.33243360 @ 0.00000003"]
    assert exchange.cash == 0


def test_a_purchase_that_cash_does_not_cover_at_all_is_cancelled(tmp_path: Path) -> None:
    bars = [bar("10 10 10 10"), bar("200 200 200 200", at=1)]
    exchange = Exchange(tmp_path, bars, starting_cash=Decimal(105))
    exchange.tick()
    exchange.place("in", quantity="10")

    exchange.tick()

    assert ending(exchange, "in") == ("CANCELLED", "0", "cash does not cover 10 more at 200")
    assert (exchange.cash, exchange.fills()) == (Decimal(105), [])


def test_resting_buys_hold_cash_back_and_give_it_free_again(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(3), commission_bps=Decimal(100))
    exchange.tick()
    exchange.place("limit", limit="50")
    assert exchange.buying_power == Decimal(100_000) - 505
    exchange.place("stop", stop="200")
    assert exchange.buying_power == Decimal(100_000) - 505 - 2020
    exchange.place("market")
    assert exchange.buying_power == Decimal(100_000) - 505 - 2020 - Decimal("1020.10")  # 1,010 and its fee
    exchange.place("stop-limit", stop="200", limit="300")
    assert exchange.buying_power == Decimal(100_000) - 505 - 2020 - Decimal("1020.10") - 3030

    for name in ("limit", "stop", "market", "stop-limit"):
        run(exchange.venue.cancel(name))
    assert exchange.buying_power == 100_000


def test_a_partial_fill_fault_leaves_the_rest_for_later_bars(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(40), faults=FaultRates(partial_fill=0.9))
    exchange.tick()
    exchange.place("in", quantity="800")
    exchange.tick(30)

    fills = [Decimal(fill.split()[1]) for fill in exchange.fills()]
    assert len(fills) > 3
    assert sum(fills) == 800
    assert ending(exchange, "in") == ("FILLED", "800", None)


def test_the_day_trade_count_looks_back_five_sessions(tmp_path: Path) -> None:
    days = [
        date(2025, 1, 6),
        date(2025, 1, 7),
        date(2025, 1, 8),
        date(2025, 1, 10),
        date(2025, 1, 13),
        date(2025, 1, 14),
    ]
    opens = [datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC) for day in days]
    bars = [bar("10 10 10 10", at=moment + minute * MINUTE) for moment in opens for minute in range(8)]
    exchange = Exchange(tmp_path, bars, starting_cash=Decimal(10_000))
    exchange.tick()
    for number in range(3):
        exchange.place(f"in-{number}")
        exchange.tick()
        exchange.place(f"out-{number}", SELL)
        exchange.tick()

    reason = "three day trades in five sessions are used up, or would be if today's positions are closed"
    assert exchange.refusal("one-more") == reason
    exchange.tick(8 * 4)  # the fifth session: still counted
    assert exchange.refusal("one-more") == reason
    exchange.tick(8)
    assert exchange.place("one-more").status is OrderStatus.ACCEPTED


def test_what_was_opened_today_counts_as_a_day_trade_to_come_and_its_exit_always_passes(tmp_path: Path) -> None:
    bars = [b for symbol in ("AA", "BB", "CC", "DD") for b in flat(6, price="10", symbol=symbol)]
    exchange = Exchange(tmp_path, bars, starting_cash=Decimal(10_000))
    exchange.tick()
    exchange.place("a", symbol="AA")
    exchange.place("b", symbol="BB")
    exchange.tick()
    exchange.place("c", symbol="CC", limit="10")

    assert "used up" in exchange.refusal("d", symbol="DD")
    exchange.place("a-more", symbol="AA")  # adds to what is open already
    exchange.tick()
    for name, symbol, quantity in (("a", "AA", "20"), ("b", "BB", "10"), ("c", "CC", "10")):
        exchange.place(f"{name}-out", SELL, quantity, symbol=symbol)
    exchange.tick()
    assert exchange.held == {}
    assert exchange.venue._books.day_trade_count() == 3
    assert "used up" in exchange.refusal("d", symbol="DD")


def test_a_resting_buy_that_would_reopen_after_the_third_day_trade_is_cancelled(tmp_path: Path) -> None:
    bars = [*flat(8, price="10"), bar("9 9 9 9", at=8)]
    exchange = Exchange(tmp_path, bars, starting_cash=Decimal(10_000))
    exchange.tick()
    for number in range(3):
        exchange.place(f"in-{number}")
        exchange.tick()
        if number == 2:
            exchange.place("again", limit="9")
        exchange.place(f"out-{number}", SELL)
        exchange.tick()
    exchange.tick()

    exchange.tick()

    assert ending(exchange, "again") == ("CANCELLED", "0", "three day trades in five sessions are used up")


def test_from_25_000_of_equity_on_day_trades_are_free(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(12), starting_cash=Decimal(25_000))
    exchange.tick()
    for number in range(5):
        exchange.place(f"in-{number}")
        exchange.tick()
        exchange.place(f"out-{number}", SELL)
        exchange.tick()

    assert exchange.venue._books.day_trade_count() == 5


def test_a_position_held_overnight_and_coins_are_no_day_trades(tmp_path: Path) -> None:
    tuesday = datetime(2025, 1, 7, 15, 0, tzinfo=UTC)
    bars = [
        *flat(4),
        *flat(4, symbol="BTC/USD"),
        bar("100 100 100 100", at=tuesday),
        bar("100 100 100 100", at=tuesday + MINUTE),
    ]
    exchange = Exchange(tmp_path, bars, starting_cash=Decimal(10_000))
    exchange.tick()
    exchange.place("in")
    exchange.place("coin-in", symbol="BTC/USD")
    exchange.tick()
    exchange.place("coin-out", SELL, symbol="BTC/USD")
    exchange.tick(3)
    exchange.place("out", SELL)
    exchange.tick()

    assert exchange.held == {}
    assert exchange.venue._books.day_trade_count() == 0
