"""The emulator's web pages: a player, a dashboard, and what says where the dashboard is; every text is escaped."""
