"""What the supervisor is made of: a lock on the home, child processes, restarts, and the signs of life that it looks for."""
