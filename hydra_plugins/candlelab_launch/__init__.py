"""What Hydra finds of candlelab in its own namespace: launchers and sweepers, whose work is done in candlelab.launch."""
