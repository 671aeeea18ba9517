"""Strategies: pure functions of market and positions."""
