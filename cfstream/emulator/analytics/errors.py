"""What is wrong with a question to analytics."""


class AnalyticsError(Exception):
    """What the service refuses to answer; one line says why."""
