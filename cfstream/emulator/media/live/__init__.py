"""Broadcasts as media: segments while they run, a recording afterwards, and a publisher."""
