"""Steps: what each kind of step does, what it may do here, and whether it was a success."""
