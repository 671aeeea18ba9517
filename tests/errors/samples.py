"""A context in which every code finds what its operations need."""

CONTEXT = {"symbol": "SPY", "client_order_id": "bg-main-AAAQEAYEAUDAOCAJ-E0", "quantity": "10", "runId": "r1"}
