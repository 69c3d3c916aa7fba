"""What a model reads: assembled for training, stored for prediction, made of new candles."""
