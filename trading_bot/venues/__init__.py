"""Venues: where orders go and bars come from, behind one protocol."""
