"""What pages share: components, charts, the server's routes, state, the error boundary."""
