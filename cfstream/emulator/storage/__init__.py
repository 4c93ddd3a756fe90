"""What the emulator keeps: records, files, and room for both."""
