"""``python -m cfstream`` is the command ``cfstream``."""

from cfstream.cli import main

if __name__ == "__main__":
    main()
