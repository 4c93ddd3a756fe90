"""The version, as a literal: reading it from the installed package costs every start several milliseconds."""

__version__ = "0.1.0"
