"""From text to a checked recipe, and what training it would take."""
