"""The child process of one broadcast: FLV comes in on standard input and becomes live HLS in a folder.

All that comes in is kept there, too; the recording is made from it. The process ends when its input does. If the
broadcast cannot go on it says why in a line of JSON, as the worker of the other jobs does.
"""

import sys
from pathlib import Path

from cfstream.emulator.media import worker
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.live.segmenter import broadcast


def main(folder: Path, name: str) -> int:
    """Makes HLS of one broadcast in the folder and returns the exit status."""
    worker.be_modest()
    try:
        broadcast(sys.stdin.buffer, folder, name)
    except MediaError as error:
        return worker.fail(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, the parent is to know
        return worker.fail(MediaError(UNKNOWN, f"{type(error).__name__}: {error}"))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
