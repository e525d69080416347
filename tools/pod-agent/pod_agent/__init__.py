"""pod-agent: state endpoints for moto server (see PROTOCOL.md)."""

__version__ = "0.1.0"
FORMAT = 1
EMULATOR = "moto"
