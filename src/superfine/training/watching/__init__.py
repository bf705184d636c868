"""Who looks on while a network learns."""
