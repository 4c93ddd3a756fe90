"""Work on videos in child processes: encoding, what is made of it, captions."""
