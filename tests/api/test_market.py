"""Prices and candles as the API shows them; how candles are made is tested with the service that makes them."""

import pytest

from tests.api.client import Api


def test_a_snapshot_has_what_the_order_book_gives(shared_api: Api) -> None:
    found = shared_api.data(
        '{ marketSnapshot(symbol: "SPY") { symbol timestamp price bid ask volume spreadPct bidSize askSize obImbalance } }'
    )["marketSnapshot"]

    assert found == {
        "symbol": "SPY",
        "timestamp": "2013-10-08T14:32:00Z",
        "price": "171.00",
        "bid": "170.99",
        "ask": "171.01",
        "volume": "161",
        "spreadPct": 0.011696,
        "bidSize": "300",
        "askSize": "100",
        "obImbalance": 0.5,
    }


def test_there_is_no_snapshot_of_what_was_never_seen(shared_api: Api) -> None:
    assert shared_api.data('{ marketSnapshot(symbol: "AIG") { price } }') == {"marketSnapshot": None}


def test_candles_come_newest_first_each_made_of_its_minutes(shared_api: Api) -> None:
    found = shared_api.data(
        """{ candles(symbol: "SPY", timeframe: ONE_HOUR) {
          edges { node { timestamp open high low close volume complete } } pageInfo { hasNextPage }
        } }"""
    )["candles"]

    assert found == {
        "edges": [
            {
                "node": {
                    "timestamp": "2013-10-08T14:00:00Z",
                    "open": "170.30",
                    "high": "170.66",
                    "low": "170.27",
                    "close": "170.63",
                    "volume": "4656",
                    "complete": False,
                }
            },
            {
                "node": {
                    "timestamp": "2013-10-08T13:00:00Z",
                    "open": "170.00",
                    "high": "170.34",
                    "low": "169.97",
                    "close": "170.31",
                    "volume": "3435",
                    "complete": True,
                }
            },
        ],
        "pageInfo": {"hasNextPage": False},
    }


@pytest.mark.parametrize(
    ("timeframe", "count", "first"),
    [
        ("ONE_MINUTE", 62, "2013-10-08T14:31:00Z"),
        ("FIVE_MINUTES", 13, "2013-10-08T14:30:00Z"),
        ("FIFTEEN_MINUTES", 5, "2013-10-08T14:30:00Z"),
        ("ONE_HOUR", 2, "2013-10-08T14:00:00Z"),
        ("ONE_DAY", 1, "2013-10-08T04:00:00Z"),
    ],
)
def test_every_timeframe_covers_all_bars(shared_api: Api, timeframe: str, count: int, first: str) -> None:
    query = 'query($frame: Timeframe!) { candles(symbol: "SPY", timeframe: $frame) { edges { node { timestamp volume } } } }'
    found = [edge["node"] for edge in shared_api.data(query, {"frame": timeframe})["candles"]["edges"]]

    assert (len(found), found[0]["timestamp"]) == (count, first)
    assert sum(int(candle["volume"]) for candle in found) == sum(range(100, 162))


def test_bounds_are_about_when_a_candle_begins(shared_api: Api) -> None:
    query = """query($from: DateTime, $to: DateTime) {
      candles(symbol: "SPY", timeframe: FIFTEEN_MINUTES, from: $from, to: $to) { edges { node { timestamp volume } } }
    }"""
    found = shared_api.data(query, {"from": "2013-10-08T09:31:00-04:00", "to": "2013-10-08T14:15:00Z"})["candles"]

    assert [edge["node"] for edge in found["edges"]] == [
        {"timestamp": "2013-10-08T14:00:00Z", "volume": "2055"},
        {"timestamp": "2013-10-08T13:45:00Z", "volume": "1830"},
    ]


def test_a_symbol_without_candles_is_told_from_a_quiet_one(shared_api: Api) -> None:
    for symbol in ("APPL", "btc", ""):
        answer = shared_api.post(
            "query($s: String!) { candles(symbol: $s) { edges { cursor } } }", {"s": symbol}
        ).json()
        assert answer["errors"][0]["extensions"]["errorCode"] == "QRY_004"
    cause = shared_api.post('{ candles(symbol: "APPL") { edges { cursor } } }').json()["errors"][0]["extensions"][
        "cause"
    ]

    assert cause == "No candles of `APPL` are stored; there are those of SPY."
