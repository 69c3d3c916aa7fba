"""Charts: windows of candles as pixels, and the stores that keep them."""
