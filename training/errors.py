"""What can go wrong when a network is taught, as sentences for a person."""


class TrainingError(Exception):
    """Something the training floor was asked for cannot be done."""


class DatasetError(TrainingError):
    """Data that is missing, damaged or not in the layout it should have."""


class DivergedError(TrainingError):
    """A loss that is no longer a number."""


class WeightsError(TrainingError):
    """Weights that do not fit the network they are meant for."""
