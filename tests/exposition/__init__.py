"""The renderer: syntax, chunks, compression, negotiation, and its agreement with prometheus_client."""
