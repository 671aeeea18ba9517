from trading_bot.supervision.limits import Delay, Limits


def test_each_restart_waits_twice_as_long_up_to_a_minute() -> None:
    delay = Delay(limits=Limits())

    waits = [delay.after(lived=0.1) for _ in range(11)]

    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60.0, 60.0]


def test_a_process_that_lived_for_half_a_minute_starts_again_at_once() -> None:
    delay = Delay(limits=Limits())
    for _ in range(5):
        delay.after(lived=29.9)

    assert [delay.after(lived=30.0), delay.after(lived=1.0)] == [0.2, 0.4]
