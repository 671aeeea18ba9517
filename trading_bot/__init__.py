"""The bot itself, which trades with or without the rest: `python -m trading_bot`."""
