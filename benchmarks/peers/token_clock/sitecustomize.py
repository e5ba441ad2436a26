"""Read by Python at its start where this folder is on PYTHONPATH; in an engine host it notes when tokens are made.

Lines in the file that TOKEN_CLOCK names, nanoseconds of the machine's monotonic clock:

    first <made>                    an answer's first token has left the sampler; its text is still to come
    end <accepted> <ended>          an answer's last token, and when the engine had accepted its request
"""

import os
import sys

if "tanren.engine_host" in sys.orig_argv and "TOKEN_CLOCK" in os.environ:
    import time
    from typing import Any

    from tanren.serving.engines.sequences import Sequence

    file = os.open(os.environ["TOKEN_CLOCK"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    take, tell = Sequence.take, Sequence.tell

    def taken(self: Any, token: int) -> Any:
        if self.output_count == 0:
            os.write(file, f"first {time.monotonic_ns()}\n".encode())
        return take(self, token)

    def told(self: Any, token: int, reason: Any) -> Any:
        end = tell(self, token, reason)
        if end is not None:
            os.write(file, f"end {round(self.accepted_at * 1e9)} {time.monotonic_ns()}\n".encode())
        return end

    Sequence.take, Sequence.tell = taken, told
