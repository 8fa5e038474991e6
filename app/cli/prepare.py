"""Compile the numeric kernels once, so that the first window does not wait for them.

Run as ``python -m app.cli.prepare`` at installation. Without it, the first start takes half a
minute longer.
"""

import sys

from app.cli.progress import Progress
from calibration.geometry import fast_instant
from engine.studio.address import StudioConfig
from engine.studio.scene import Studio

PARTS = 2


def main() -> int:
    """Compile the kernels of the live stages and of the studio, showing progress.

    Returns
    -------
    code
        0.
    """
    with Progress("Compiling the numeric kernels (once)", PARTS, "parts") as progress:
        fast_instant.warm_up_kernels()
        progress(1)
        Studio(StudioConfig(cameras=2, seconds=1.0)).render(0, 0)
        progress(2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
