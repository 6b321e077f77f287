"""What the app is about, without HTTP, disk or network."""
