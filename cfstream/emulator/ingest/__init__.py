"""Live broadcasts: taken in by RTMP, shown while they run, and recorded when they end."""
