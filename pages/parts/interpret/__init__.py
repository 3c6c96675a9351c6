"""What the interpret page draws of one run: its scores, and the images behind them."""
