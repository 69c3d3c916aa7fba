"""One page to look at what a run did, bar by bar: candles, positions, probabilities, equity, and the picture behind each answer."""
