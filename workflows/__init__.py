"""Several steps as one operation: definitions, engine, steps and a library."""
