import pytest

from tanren.domain.errors import ValidationFailed
from tanren.domain.model_lines import check_judge, model_line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0:200k", "anthropic.claude"),
        ("us.anthropic.claude-3-5-sonnet-20240620-v1:0", "anthropic.claude"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1", "amazon.titan"),
        ("meta.llama3-1-8b-instruct-v1:0", "meta.llama"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen"),
    ],
)
def test_the_line_of_a_model_is_its_family(name, line):
    assert model_line(name) == line


def test_a_judge_of_the_tuned_models_line_is_refused_by_both_names():
    said = r"us\.anthropic\.claude-3-opus.* same line \(anthropic\.claude\) as the tuned model mine"
    with pytest.raises(ValidationFailed, match=said):
        check_judge(
            ["us.anthropic.claude-3-opus-20240229-v1:0"], ["mine", "anthropic.claude-3-haiku-20240307-v1:0:200k"]
        )
    check_judge(["amazon.nova-lite-v1:0"], ["anthropic.claude-3-haiku-20240307-v1:0:200k"])
