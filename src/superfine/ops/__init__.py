"""Mathematics on tensors: resize, colour, tiles, views. No file, clock or device name in here."""
