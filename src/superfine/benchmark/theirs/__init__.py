"""Results that somebody else made: matched with the truth, looked over, scored and explained."""
