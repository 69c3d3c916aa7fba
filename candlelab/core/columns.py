"""Names of the columns of a table of bars (OHLCV)."""

PRICES = ("open", "high", "low", "close")
OHLCV = (*PRICES, "volume")
EXTRAS = ("quote_volume", "trades", "taker_buy_base", "taker_buy_quote")  # where the source has them
NUMBERS = (*OHLCV, *EXTRAS)
