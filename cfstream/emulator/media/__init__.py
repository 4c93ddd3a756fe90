"""Real media for the emulator: probing, HLS and DASH, stills and downloads through PyAV."""
