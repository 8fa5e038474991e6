"""The table of networks: a configuration becomes a network, a file, and a configuration again."""

from training.config import config_from_table, config_to_table
from training.errors import TrainingError
from training.networks.compact import CompactConfig, CompactNetwork
from training.networks.pose_network import PoseNetwork
from training.networks.pose_resnet import PoseResNet, PoseResNetConfig

AnyConfig = PoseResNetConfig | CompactConfig
ARCHITECTURES = {
    "pose_resnet": (PoseResNetConfig, PoseResNet),
    "compact": (CompactConfig, CompactNetwork),
}


def build_network(config: AnyConfig) -> PoseNetwork:
    """Build the network that a configuration describes.

    Returns
    -------
    network
        With its first, random weights.
    """
    return PoseResNet(config) if isinstance(config, PoseResNetConfig) else CompactNetwork(config)


def network_to_table(config: AnyConfig) -> dict[str, object]:
    """Return a configuration as plain values with its make, for a TOML file or a checkpoint."""
    make = next(name for name, (kind, _) in ARCHITECTURES.items() if isinstance(config, kind))
    return {"make": make, **config_to_table(config)}


def network_config_from_table(table: dict[str, object]) -> AnyConfig:
    """Return the configuration that `network_to_table` wrote.

    Parameters
    ----------
    table
        ``make`` and the fields of its configuration; what is missing has its default.

    Raises
    ------
    TrainingError
        If the make, a key or a value is unknown.
    """
    make = str(table.get("make", ""))
    if make not in ARCHITECTURES:
        raise TrainingError(
            f"There is no network of make '{make}'. Known: {', '.join(ARCHITECTURES)}."
        )
    return config_from_table(
        ARCHITECTURES[make][0], {key: value for key, value in table.items() if key != "make"}
    )
