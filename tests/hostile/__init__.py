"""An upstream that turned hostile, as a server on loopback and a deck of everything that it tries."""
