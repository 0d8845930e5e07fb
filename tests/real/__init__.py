"""Tests against real servers: Prometheus in two major versions, and the program as its own process."""
