"""The circuit breaker: when it trips, and what must not hold any more before it is reset.

It trips when the session has lost its limit, when too many trades in a row lost, and, if so configured, when the venue rejects too many
orders. A reset begins the counts of losses and rejections anew: nothing but a reset could ever end a losing streak, since a tripped bot
doesn't enter. The daily loss and what has been rejected since stand in the way of a reset as long as they hold.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.health import RunState
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.performance import Record, StreakType
from trading_bot.domain.risk import Refused, daily_loss_reached, losses_reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The circuit breaker of one bot."""

    code: str | None = None
    """RISK_NNN of what tripped it; null while it is not tripped."""
    cause: str | None = None
    """What tripped it, with figures."""
    tripped_at: datetime | None = None
    """Venue time of the trip, UTC."""
    session_id: str | None = None
    """The trading session in which it tripped."""
    resume_as: RunState | None = None
    """The run state to go back to after the reset: the one before the trip."""
    resume_reason: str | None = None
    """Why the bot was in that state."""
    reset_at: datetime | None = None
    """Venue time of the last reset, UTC; null before the first."""
    trades_at_reset: int = 0
    """Closed trades when it was last reset: earlier losses do not count."""

    @property
    def is_tripped(self) -> bool:
        """Whether it keeps the bot from entering."""
        return self.code is not None

    def losses(self, record: Record) -> int:
        """Losing trades in a row since the last reset."""
        streak = record.streak if record.streak_type is StreakType.LOSS else 0
        return max(min(streak, record.trades - self.trades_at_reset), 0)

    def tripped(
        self, cause: Refused, *, at: datetime, session_id: str, before: tuple[RunState, str | None]
    ) -> "Breaker":
        """The breaker after it tripped for `cause` in the run state and for the reason `before`."""
        state, reason = before
        return replace(
            self,
            code=cause.code,
            cause=cause.cause,
            tripped_at=at,
            session_id=session_id,
            resume_as=state,
            resume_reason=reason,
        )

    def reset(self, *, at: datetime, trades: int) -> "Breaker":
        """The breaker after a reset, when so many trades are closed."""
        return Breaker(reset_at=at, trades_at_reset=trades)


def why_trip(*, daily_pnl: Decimal, losses: int, rejections: int, limits: RiskLimits) -> Refused | None:
    """Why the breaker must trip now; null when it need not."""
    cause = why_not_reset(daily_pnl=daily_pnl, rejections=rejections, limits=limits)
    if cause is None and losses >= limits.max_consecutive_losses:
        return losses_reached(losses, limits)
    return cause


def why_not_reset(*, daily_pnl: Decimal, rejections: int, limits: RiskLimits) -> Refused | None:
    """What keeps a tripped breaker from being reset, because it would trip again at once; null when nothing does."""
    if daily_pnl <= limits.daily_loss_limit:
        return daily_loss_reached(daily_pnl, limits)
    if limits.max_rejections is not None and rejections >= limits.max_rejections:
        figures = {"limit": str(limits.max_rejections), "value": str(rejections)}
        cause = (
            f"The venue rejected {rejections} orders within {limits.rejection_window_minutes} minutes; "
            f"the limit is {limits.max_rejections}."
        )
        return Refused(code="RISK_011", cause=cause, figures=figures)
    return None
