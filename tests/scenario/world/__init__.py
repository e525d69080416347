"""A world of emulated cloud resources: it is made, read, and put to work after a restore."""
