from pathlib import Path

import pytest

from tanren.training.energy import EnergyMeter

RANGE = 1_000_000


def _counter(root: Path, number: int, value: int, *, name: str | None = None) -> Path:
    folder = root / f"intel-rapl:{number}"
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name or f'package-{number}'}\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE}\n")
    (folder / "energy_uj").write_text(f"{value}\n")
    part = root / f"intel-rapl:{number}:0"
    part.mkdir()
    (part / "name").write_text("core\n")
    return folder / "energy_uj"


def test_packages_are_added_up_and_their_parts_are_not_counted_twice(tmp_path: Path) -> None:
    one, two = _counter(tmp_path, 0, 100), _counter(tmp_path, 1, 200)
    meter = EnergyMeter(tmp_path)
    one.write_text("3700")
    two.write_text("3800")
    assert meter.watt_hours() == pytest.approx(7200 / 3.6e9)


def test_a_counter_that_wraps_around_is_followed(tmp_path: Path) -> None:
    file = _counter(tmp_path, 0, RANGE - 10)
    moment = [0.0]
    meter = EnergyMeter(tmp_path, clock=lambda: moment[0])
    file.write_text("5")
    meter.look()  # Too soon after the last: nothing is read.
    file.write_text("90")
    moment[0] = 60.0
    meter.look()
    file.write_text("20")
    assert meter.watt_hours() == pytest.approx((10 + 90 + RANGE - 90 + 20) / 3.6e9)


def test_without_counters_there_is_a_reason_and_no_figure(tmp_path: Path) -> None:
    told = EnergyMeter(tmp_path).to_json()
    assert told["watt_hours"] is None
    assert "no energy counters" in told["reason"]


def test_a_counter_that_may_not_be_read_is_no_figure(tmp_path: Path) -> None:
    _counter(tmp_path, 0, 1).unlink()
    told = EnergyMeter(tmp_path).to_json()
    assert told["watt_hours"] is None
    assert "cannot be read" in told["reason"]
