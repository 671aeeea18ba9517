"""Live: subscriptions, each distinct one carried out once for all who have it open."""
