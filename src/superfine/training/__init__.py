"""Training: a recipe goes in, weights and an honest card come out."""
