from hypothesis import given
from hypothesis import strategies as st

from tanren.cli.loss_curve import Curve, draw, sparkline

CSV = "step_number,epoch_number,training_loss,perplexity\n0,1,4.5,90.0\n1,1,3.5,33.1\n"


def test_a_curve_is_read_from_bedrocks_csv():
    assert Curve.from_csv(CSV, column="training_loss") == Curve(steps=[0, 1], losses=[4.5, 3.5])


@given(st.lists(st.floats(0, 100), max_size=500), st.integers(1, 60))
def test_a_sparkline_fits_its_width_and_shows_something_for_any_losses(losses, width):
    line = sparkline(losses, width=width)
    assert len(line) <= width
    assert bool(line) == bool(losses)


def test_the_highest_loss_is_a_full_block_and_the_lowest_an_eighth():
    assert sparkline([3.0, 2.0, 1.0])[0] == "█"
    assert sparkline([3.0, 2.0, 1.0])[-1] == "▁"


def test_the_picture_is_a_png_with_and_without_validation(tmp_path):
    curve, nothing = Curve(steps=[0, 1, 2], losses=[3.0, 2.0, 1.0]), Curve(steps=[], losses=[])
    for number, validation in enumerate((curve, nothing)):
        draw(tmp_path / f"{number}.png", curve, validation, title="a model")
        assert (tmp_path / f"{number}.png").read_bytes().startswith(b"\x89PNG")
