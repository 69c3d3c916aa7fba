"""The verdict on predictions that were made elsewhere."""
