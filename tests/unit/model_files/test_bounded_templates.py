"""Templates as models have them render as in transformers; their allowance is ample for a long conversation."""

from typing import Any

import pytest
from jinja2 import TemplateError
from transformers.utils.chat_template_utils import render_jinja_template

from tanren.model_files.bounded_templates import BoundedTemplate, TemplateOverrun

LLAMA_3 = """{{- bos_token }}
{%- if not date_string is defined %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}{{- system_message }}{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
        {{- message['content'] | trim + '<|eot_id|>' }}
    {%- elif tools is not none %}{{- tools | tojson(indent=4) }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"""
QWEN_3 = """{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string %}
        {%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if message.role == "assistant" %}
        {%- set reasoning = message.reasoning_content or '' %}
        {%- if '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or reasoning) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning.strip('\\n') }}
            {{- '\\n</think>\\n\\n' + content }}
        {%- else %}{{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}{{- '<|im_end|>\\n' }}
    {%- elif message.role == 'user' or (message.role == 'system' and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""
GEMMA = """{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}{% set role = 'model' %}
{% else %}{% set role = message['role'] %}{% endif %}
{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}
{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}"""
ODD = """{% macro say(m, pad=' ') -%}{{ m.role|upper ~ pad }}{{ m['content']|tojson }}{%- endmacro %}
{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}
{% generation %}{{ say(m) }}{% endgeneration %}{{ loop.index }}/{{ messages|length }}{{ 'x' * 3 }}{{ 7 // 2 }}
{{ (messages|map(attribute='role')|list) ~ [1, 'a', {'b': none}]|string }}{{ m.get('no', 'none') }}
{% if loop.index > 5 %}{% break %}{% endif %}{% endfor %}{{ dict(a=1).items()|list }}{{ range(3)|join('-') }}"""
MESSAGES = [
    {"role": "system", "content": " be kind "},
    {"role": "user", "content": "hello\n <b>“world”</b>"},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\nyes"},
    {"role": "user", "content": "日本?"},
]


@pytest.mark.parametrize("source", [LLAMA_3, QWEN_3, GEMMA, ODD])
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("adds", [False, True])
def test_templates_as_models_have_them_render_as_in_transformers(source: str, count: int, adds: bool) -> None:
    variables: dict[str, Any] = {"tools": None, "documents": None, "add_generation_prompt": adds, "bos_token": "<s>"}
    plain, _ = render_jinja_template(
        [MESSAGES[:count]], chat_template=source, add_generation_prompt=adds, bos_token="<s>"
    )
    assert BoundedTemplate(source).render({**variables, "messages": MESSAGES[:count]}) == plain[0]


@pytest.mark.parametrize("source", [LLAMA_3, QWEN_3, GEMMA])
def test_a_conversation_of_thousands_of_long_messages_is_within_the_allowance(source: str) -> None:
    messages = [{"role": role, "content": "word " * 400} for _ in range(1000) for role in ("user", "assistant")]
    text = BoundedTemplate(source).render({"messages": messages, "bos_token": "<s>", "tools": None})
    assert text.count("word") == 800_000


def test_each_rendering_has_its_own_allowance() -> None:
    template = BoundedTemplate("{% for i in range(90000) %}{% endfor %}{% if messages %}{{ 'a' * 10**9 }}{% endif %}")
    for _ in range(4):
        assert template.render({"messages": []}) == ""
    with pytest.raises(TemplateError):
        template.render({"messages": [1]})


def test_what_a_conversation_says_decides_and_is_bounded_too() -> None:
    template = BoundedTemplate("{% for i in range(99999) %}{{ messages[0].content }}{% endfor %}")
    with pytest.raises(TemplateOverrun, match="more text"):
        template.render({"messages": [{"content": "evil" * 1000}]})


def test_a_template_that_asks_for_the_date_gets_the_same_on_every_day() -> None:
    template = BoundedTemplate("{{ strftime_now('%d %B %Y') }}")
    assert template.render({}) == "26 July 2024"
