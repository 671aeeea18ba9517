"""What is seen of the API from outside while it runs: figures for Prometheus and traces for OpenTelemetry."""
