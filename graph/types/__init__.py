"""The nouns of the API, one module each: which attributes of the domain are published."""
