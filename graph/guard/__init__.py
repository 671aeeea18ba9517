"""What every request passes: who asks, what they may, and the shape of errors."""
