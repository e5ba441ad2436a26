"""What a device gives a bfloat16 matrix product now: GFLOP/s of a square one, for two seconds.

Prints JSON: the median and the best of the products, and how many cores it got.
"""

import argparse
import json
import statistics
import time

import torch

SIZES = {"cpu": 2048, "cuda": 8192}
"""Large enough for all of the device; a GPU has more to fill."""
SECONDS = 2.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    device = torch.device(parser.parse_args().device)
    size = SIZES[device.type]
    # Of a GPU a product is done when the device says so, not when the call returns.
    finish = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    left, right = (torch.randn(size, size, device=device).to(torch.bfloat16) for _ in range(2))
    out = torch.empty(size, size, dtype=torch.bfloat16, device=device)
    for _ in range(5):
        torch.mm(left, right, out=out)
    finish()
    rates: list[float] = []
    began, core_seconds = time.perf_counter(), time.process_time()
    while (now := time.perf_counter()) - began < SECONDS:
        torch.mm(left, right, out=out)
        finish()
        rates.append(2 * size**3 / (time.perf_counter() - now) / 1e9)
    cores = (time.process_time() - core_seconds) / (time.perf_counter() - began)
    mean = len(rates) * 2 * size**3 / (time.perf_counter() - began) / 1e9
    print(json.dumps({"median": statistics.median(rates), "mean": mean, "best": max(rates), "cores": cores}))


if __name__ == "__main__":
    main()
