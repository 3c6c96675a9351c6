"""Images from the web: lists of addresses, their rows, and how they are downloaded."""
