"""What a test does to the emulator from outside: faults, time, limits, the log of requests, a fresh start."""
