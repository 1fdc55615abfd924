"""Stops the database once the supervisor is gone, kill -9 included: then nobody else is left to do it.

Started by the supervisor with a pipe as its standard input; the pipe closes when the supervisor ends, however it ends.
"""

import contextlib
import signal
import sys
import time
from pathlib import Path

from fangfanpin.runtime.postgres import stop_if_unused

GRACE_S = 2.0


def main(data_dir: Path) -> None:
    # A signal to everything in the terminal must not end the one that cleans up.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(1):
        pass
    # Web and worker were asked by the kernel to end; let them finish what they hold.
    time.sleep(GRACE_S)
    with contextlib.suppress(OSError):  # DATA_DIR itself may be gone
        stop_if_unused(data_dir)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
