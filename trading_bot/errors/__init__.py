"""The error catalogue, and the one exception that carries a code from it."""
