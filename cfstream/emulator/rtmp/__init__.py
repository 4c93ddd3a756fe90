"""RTMP as a server needs it to take in a broadcast: bytes in, events and bytes out, with no network in it."""
