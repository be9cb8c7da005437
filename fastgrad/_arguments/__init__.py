"""What callers hand in: checked, and taken out of the containers it came in."""
