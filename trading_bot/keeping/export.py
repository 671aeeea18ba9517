"""Export: the sales in the audit log as a CSV file for a tax return, each matched to the purchases that it sold."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import IO

from trading_bot.domain.fills import Fill
from trading_bot.domain.money import ZERO, plain
from trading_bot.domain.records import data_of, value_of
from trading_bot.domain.tax_lots import Disposal, disposals
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog

HEADER = (
    "bot", "symbol", "quantity", "acquired", "sold", "proceeds", "cost", "fees", "gain", "purchase_fill", "sale_fill", "trade",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the rows of an export add up to, in the quote currency."""

    rows: int = 0
    """How many rows."""
    proceeds: Decimal = ZERO
    """Cash value of all sales."""
    cost: Decimal = ZERO
    """What was paid for what they sold."""
    fees: Decimal = ZERO
    """Fees of both."""

    @property
    def gain(self) -> Decimal:
        """Proceeds minus cost minus fees."""
        return self.proceeds - self.cost - self.fees


def export_sales(log: AuditLog, out: IO[str], *, year: int | None = None) -> Totals:
    """Write a header, one row for each sale and purchase that belong together, in the order of the sales, and the totals.

    `year` takes the sales of that year (UTC) only; their purchases may be older. Raises LOG_002 where the log is not as it was written.
    """
    verification = log.verify("orders")
    if not verification.ok:
        cause = f"{verification.broken_at} is not as it was written; what it says can't be exported."
        raise Fault("LOG_002", cause, context={"stream": "orders", "place": verification.broken_at})
    by_bot: dict[str, dict[str, Fill]] = {}
    for line in log.read("orders"):
        if line["entity"] == "fill":
            fill = value_of(Fill, line)
            by_bot.setdefault(line["bot_id"], {}).setdefault(fill.id, fill)
    sales = [
        (bot_id, disposal)
        for bot_id, fills in by_bot.items()
        for disposal in disposals(fills.values())
        if year is None or disposal.sold_at.year == year
    ]
    return _write(sorted(sales, key=lambda sale: (sale[1].sold_at, sale[0])), out)


def _write(sales: Iterable[tuple[str, Disposal]], out: IO[str]) -> Totals:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    totals = Totals()
    for bot_id, sale in sales:
        writer.writerow(
            (
                bot_id,
                sale.symbol,
                plain(sale.quantity),
                data_of(sale.acquired_at) or "",
                data_of(sale.sold_at),
                *(plain(amount) for amount in (sale.proceeds, sale.cost, sale.fees, sale.gain)),
                sale.purchase_id or "",
                sale.sale_id,
                sale.trade_id,
            )
        )
        totals = Totals(
            rows=totals.rows + 1,
            proceeds=totals.proceeds + sale.proceeds,
            cost=totals.cost + sale.cost,
            fees=totals.fees + sale.fees,
        )
    amounts = (plain(amount) for amount in (totals.proceeds, totals.cost, totals.fees, totals.gain))
    writer.writerow(("TOTAL", "", "", "", "", *amounts, "", "", ""))
    return totals
