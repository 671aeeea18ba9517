"""A context in which every code finds what its operations need."""

from tests.fakes.seeded_watch import RUN

CONTEXT = {"symbol": "SPY", "client_order_id": "bg-main-AAAQEAYEAUDAOCAJ-E0", "quantity": "10", "runId": RUN}
