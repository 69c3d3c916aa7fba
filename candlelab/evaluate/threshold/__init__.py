"""Ways to choose the confidence below which a forecast is not traded."""
