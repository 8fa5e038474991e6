"""The studio's people: proportions, posture, skin, clothes and landmarks."""
