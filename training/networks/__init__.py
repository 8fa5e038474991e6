"""The networks, and the parts they are made of."""
