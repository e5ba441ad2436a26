import pytest

from tanren.data.languages import UNKNOWN, language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The forge stands in the old town of Seki, near the river.", "en"),
        ("Amazon Bedrock の Custom Model を Fine-Tuning します。", "ja"),
        ("鍛冶場は関市にあります。", "ja"),
        ("铁匠铺位于关市的老城区，靠近河边。", "zh"),
        ("대장간은 강 근처의 구시가지에 있습니다.", "ko"),
        ("Die Schmiede steht in der Altstadt, nahe am Fluss.", "de"),
        ("yes", UNKNOWN),
        ("12 + 30 = 42", UNKNOWN),
    ],
)
def test_the_language_is_told(text: str, language: str) -> None:
    assert language_of(text) == language
