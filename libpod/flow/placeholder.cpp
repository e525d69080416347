// Until the room has its first file.
