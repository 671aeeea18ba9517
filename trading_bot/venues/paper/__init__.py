"""The paper exchange: a venue of our own, with a ledger that the bot's books never read."""
