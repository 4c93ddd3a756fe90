"""What ends an RTMP connection."""


class RtmpError(Exception):
    """The peer sent what is no RTMP, or more of it than is taken."""
