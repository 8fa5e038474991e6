"""Seeds of the studio: which are trained on, and which never are."""

HELD_OUT_SEEDS = range(0, 1_000_000)
"""Seeds of whole studios that nothing is trained on, every session's among them."""

TRAIN_SEEDS = range(1_000_000, 2_000_000)
"""Whatever the studio draws by a seed for training - bodies, plays, rooms - has one of these."""

BODY_SEEDS = range(1_000_000, 1_000_096)
"""A body takes 0.7 s and 1.2 MB: so many are kept, in endless clothes, statures and poses."""

ROOM_SEEDS = range(1_100_000, 1_100_032)
"""A room takes 0.15 s and 0.7 MB; most surroundings are none."""

PLAY_SEEDS = range(1_200_000, 1_300_000)


def demand_held_out_seed(seed: int) -> None:
    """Raise ValueError for a seed that was trained on, where something held out is wanted."""
    if seed not in HELD_OUT_SEEDS:
        raise ValueError(
            f"Studio {seed} is not held out: its people may have been trained on. Take a seed from "
            f"{HELD_OUT_SEEDS.start} to {HELD_OUT_SEEDS.stop - 1}."
        )
