"""What can go wrong in training, as messages for a person."""


class TrainingError(Exception):
    """Something that the training floor cannot do."""


class DatasetError(TrainingError):
    """Data that is missing, damaged or not in the layout it should have."""


class DivergedError(TrainingError):
    """A loss that is no longer a number."""


class WeightsError(TrainingError):
    """Weights that do not fit the network they are meant for."""
