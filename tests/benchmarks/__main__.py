"""`python tests/benchmarks` is `python tests/benchmarks/run.py`."""

from run import main

main()
