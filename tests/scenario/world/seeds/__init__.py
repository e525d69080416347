"""One function a service: it creates that service's part of the world and returns what cannot be asked for later."""
