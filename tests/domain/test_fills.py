from decimal import Decimal

from tests.domain.samples import sample_fill


def test_a_fill_that_adds_to_a_position_realises_nothing() -> None:
    assert sample_fill(realized_pnl=None).realized == 0


def test_a_fill_that_reduces_a_position_realises_its_result() -> None:
    assert sample_fill(realized_pnl=Decimal("-3.50")).realized == Decimal("-3.50")
