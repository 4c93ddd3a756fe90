"""The command ``cfstream``."""

import sys

_EXTRA = ("click", "rich")


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        from cfstream.cli.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        sys.exit(_refuse(f'the command line needs {" and ".join(_EXTRA)}: run pip install "cfstream[cli]"', 2))
    except KeyboardInterrupt:
        sys.exit(_refuse("interrupted", 130))
    sys.exit(run(sys.argv[1:]))


def _refuse(line: str, code: int) -> int:
    sys.stderr.write(f"error: {line}\n")
    return code
