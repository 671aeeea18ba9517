"""Changes of the configuration."""
