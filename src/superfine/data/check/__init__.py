"""Looking for what is wrong with training pictures before they are trained on."""
