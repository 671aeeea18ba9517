from trading_bot.supervision.silence import Silence


def test_silence_counts_from_the_last_new_sign() -> None:
    silence = Silence()

    assert [
        silence.seconds(pid=1, sign="a", at=10.0),
        silence.seconds(pid=1, sign="a", at=25.0),
        silence.seconds(pid=1, sign="b", at=26.0),
        silence.seconds(pid=1, sign="b", at=27.5),
    ] == [0.0, 15.0, 0.0, 1.5]


def test_a_new_process_is_not_blamed_for_the_silence_of_the_old_one() -> None:
    silence = Silence()
    silence.seconds(pid=1, sign="a", at=0.0)

    assert silence.seconds(pid=2, sign="a", at=59.0) == 0.0


def test_a_process_that_never_gave_a_sign_counts_from_its_start() -> None:
    silence = Silence()
    silence.seconds(pid=1, sign=None, at=5.0)

    assert silence.seconds(pid=1, sign=None, at=65.0) == 60.0
