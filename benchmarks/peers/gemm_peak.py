"""What the machine gives a bfloat16 matrix product now: GFLOP/s of 2048 x 2048 x 2048, for two seconds.

Prints JSON: the median and the best of the products, torch's threads, the share of both cores that it got.
"""

import json
import statistics
import time

import torch

SIZE = 2048
SECONDS = 2.0


def main() -> None:
    left, right = (torch.randn(SIZE, SIZE).to(torch.bfloat16) for _ in range(2))
    out = torch.empty(SIZE, SIZE, dtype=torch.bfloat16)
    for _ in range(5):
        torch.mm(left, right, out=out)
    rates: list[float] = []
    began, core_seconds = time.perf_counter(), time.process_time()
    while (now := time.perf_counter()) - began < SECONDS:
        torch.mm(left, right, out=out)
        rates.append(2 * SIZE**3 / (time.perf_counter() - now) / 1e9)
    cores = (time.process_time() - core_seconds) / (time.perf_counter() - began)
    mean = len(rates) * 2 * SIZE**3 / (time.perf_counter() - began) / 1e9
    print(json.dumps({"median": statistics.median(rates), "mean": mean, "best": max(rates), "cores": cores}))


if __name__ == "__main__":
    main()
