"""Prepare: compile the numeric kernels once, so that the first window need not wait for them.

Run as ``python -m app.cli.prepare`` when the program is installed. Without it everything works, the
first start takes half a minute longer.
"""

import sys

from app.cli.progress import Progress
from calibration.geometry import fast_instant
from engine.studio.address import StudioConfig
from engine.studio.scene import Studio

PARTS = 2


def main() -> int:
    """Compile what the live stages and the studio need; say how far it is.

    Returns
    -------
    code
        0.
    """
    with Progress("Compiling the numeric kernels, once", PARTS, "parts") as progress:
        fast_instant.warm_up_kernels()
        progress(1)
        Studio(StudioConfig(cameras=2, seconds=1.0)).render(0, 0)
        progress(2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
