"""Where a run computes: on the processor, or on a CUDA device if there is one."""

from tanren.domain.errors import JobFailed


def chosen_device(wanted: str) -> str:
    """A device as torch names it, for `auto` (the first CUDA device, else the processor), `cpu`, `cuda` or `cuda:1`.

    Raises   JobFailed where a CUDA device is asked for that torch does not see: no run moves to the processor unasked.
    """
    import torch

    if wanted == "cpu":
        return "cpu"
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return "cuda:0" if count else "cpu"
    number = int(wanted.partition(":")[2] or 0)
    if number >= count:
        seen = f"sees {count} CUDA device(s)" if count else "sees no CUDA device"
        built = "" if torch.backends.cuda.is_built() else "; this build of torch is for the processor only"
        raise JobFailed(
            f"TANREN_TRAINING_DEVICE is {wanted}, but torch {torch.__version__} {seen}{built}. Set it to `cpu` or "
            "`auto`, or install a CUDA build of torch and a driver that it knows; `tanren doctor` says what is seen."
        )
    return f"cuda:{number}"
