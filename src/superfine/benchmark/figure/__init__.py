"""Paper-ready figures: a picture, and crops of it as each model restores them."""
