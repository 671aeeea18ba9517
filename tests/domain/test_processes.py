from typing import Any

import pytest

from trading_bot.domain.processes import ProcessAction, ProcessName, ProcessOrder, read_order


def test_a_restart_of_the_bot_is_what_is_meant_where_nothing_is_said() -> None:
    assert read_order({}) == ProcessOrder(program=ProcessName.BOT, action=ProcessAction.RESTART, drain_seconds=30.0)


def test_an_order_is_read_as_it_was_written() -> None:
    order = ProcessOrder(program=ProcessName.API, action=ProcessAction.RESTART, drain_seconds=0.5)

    assert order.parameters() == {"program": "api", "action": "restart", "drainSeconds": 0.5}
    assert read_order(order.parameters()) == order


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"program": "shell"}, "Expected program to be one of bot, api, was shell."),
        ({"program": ["bot"]}, "Expected program to be one of bot, api, was ['bot']."),
        ({"action": "kill"}, "Expected action to be one of restart, start, stop, was kill."),
        ({"program": "api", "action": "stop"}, "Expected `restart` as the action on the API: nobody could be asked"),
        ({"drainSeconds": 121}, "Expected drainSeconds from 0 to 120, was 121."),
        ({"drainSeconds": -1}, "Expected drainSeconds from 0 to 120, was -1."),
        ({"drainSeconds": float("nan")}, "Expected drainSeconds from 0 to 120, was nan."),
        ({"drainSeconds": True}, "Expected drainSeconds from 0 to 120, was True."),
        ({"drainSeconds": "30"}, "Expected drainSeconds from 0 to 120, was 30."),
    ],
)
def test_what_no_process_can_be_asked_is_refused_by_name(parameters: dict[str, Any], cause: str) -> None:
    with pytest.raises(ValueError, match=r"^Expected ") as refused:
        read_order(parameters)

    assert str(refused.value).startswith(cause)
