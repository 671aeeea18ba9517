"""Plans: queries over what the API holds in memory, compiled once to a serializer and answered as bytes."""
