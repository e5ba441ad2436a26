import pytest

from tanren.domain.errors import ValidationFailed
from tanren.domain.inference_params import DEFAULT_MAX_TOKENS, converse_members


def test_without_parameters_an_evaluation_can_be_repeated():
    assert converse_members(None) == {"inferenceConfig": {"maxTokens": DEFAULT_MAX_TOKENS, "temperature": 0.0}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{"inferenceConfig": {"maxTokens": 64, "temperature": 0.7, "topP": 0.9}}',
            {"inferenceConfig": {"maxTokens": 64, "temperature": 0.7, "topP": 0.9}},
        ),
        (
            '{"temperature": "0.0", "topP": "1", "maxTokenCount": "64"}',
            {"inferenceConfig": {"maxTokens": 64, "temperature": 0.0, "topP": 1}},
        ),
        (
            '{"max_tokens": 64, "stop_sequences": ["\\n"]}',
            {"inferenceConfig": {"maxTokens": 64, "temperature": 0.0, "stopSequences": ["\n"]}},
        ),
        (
            '{"additionalModelRequestFields": {"top_k": 5}}',
            {
                "inferenceConfig": {"maxTokens": DEFAULT_MAX_TOKENS, "temperature": 0.0},
                "additionalModelRequestFields": {"top_k": 5},
            },
        ),
    ],
)
def test_both_spellings_that_are_sent_to_aws_mean_the_members_of_converse(text: str, expected: dict):
    assert converse_members(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("temperature=0", "no JSON"),
        ("[0.7]", "must be a JSON object"),
        ("[" * 1023, "no JSON"),
        ('{"warmth": 0}', "'warmth' is not known"),
        ('{"inferenceConfig": {"max_tokens": 1}}', "no member 'max_tokens'"),
        ('{"inferenceConfig": 3}', "'inferenceConfig' is not known"),
    ],
)
def test_a_parameter_that_would_have_no_effect_is_refused(text: str, reason: str):
    with pytest.raises(ValidationFailed, match=reason):
        converse_members(text)
