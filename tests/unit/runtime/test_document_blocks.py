"""Documents come in whatever way a caller has, are bounded as on Bedrock, and are read before an engine is asked."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.conversation import Conversation
from tanren.domain.documents import AttachedDocument
from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.runtime.content_blocks import read_conversation
from tanren.runtime.document_blocks import MAX_DOCUMENT_BYTES, with_documents_read
from tanren.weights.chat_template import ChatTemplate
from tests.numerics.tiny_models import save_tokenizer
from tests.unit.data.documents.small_documents import pdf_saying


def block(name: str = "notes", format: str = "txt", **source: Any) -> dict[str, Any]:
    return {"document": {"name": name, "format": format, "source": source or {"bytes": b"Rome"}}}


def read(*blocks: dict[str, Any], text: str = "sum up") -> Conversation:
    content = [*blocks, *([{"text": text}] if text else [])]
    return with_documents_read(read_conversation({"messages": [{"role": "user", "content": content}]}))


@pytest.mark.parametrize(
    "given",
    [
        block(),
        block(bytes=base64.b64encode(b"Rome").decode()),
        block(text=" Rome\n"),
        block(content=[{"text": "Rome"}]),
        block(format="pdf", bytes=pdf_saying("Rome")),
        {"document": {"name": "notes", "source": {"text": "Rome"}}},
    ],
)
def test_a_document_is_read_from_any_source(given: dict[str, Any]):
    (message,) = read(given).messages
    assert message.documents == (AttachedDocument(name="notes", text="Rome"),)
    assert (message.text, message.enclosed) == ("sum up", ())


def test_a_conversation_without_documents_is_left_as_it_is():
    conversation = read_conversation({"messages": [{"role": "user", "content": [{"text": "hi"}]}]})
    assert with_documents_read(conversation) is conversation


REFUSED: list[tuple[tuple[dict[str, Any], ...], str]] = [
    ((block(name="a.txt"),), "The document file name can only contain alphanumeric characters, whitespace"),
    ((block(name="a  b"),), "The document file name can only contain alphanumeric"),
    ((block(name=""),), "A document's name must have 1 to 200 characters."),
    ((block(), block()), "The document name 'notes' is given twice"),
    (tuple(block(name=f"n{number}") for number in range(6)), "The request has 6 documents; at most 5 are taken."),
    ((block(bytes=b""),), "The document 'notes' is empty."),
    ((block(bytes=b"a" * (MAX_DOCUMENT_BYTES + 1)),), "The document 'notes' is too large; a document can't be larger"),
    ((block(text="a" * (MAX_DOCUMENT_BYTES + 1)),), "The document 'notes' is too large"),
    ((block(bytes=b"\xff"),), "The document 'notes' cannot be used: the document is not text in UTF-8"),
    ((block(bytes="%%"),), "The document at messages.0.content.0.document.source.bytes is not in Base64."),
    ((block(text="  "),), "The text of the document at messages.0.content.0.document.source is blank."),
    ((block(format="odt"),), "The document format 'odt' at messages.0.content.0.document.format must be one of pdf"),
    ((block(bytes=b"a", text="b"),), "The document source at messages.0.content.0.document.source must set one of"),
]


@pytest.mark.parametrize(("blocks", "text"), REFUSED, ids=[text for _, text in REFUSED])
def test_what_bedrock_does_not_take_is_refused_with_its_place(blocks: tuple[dict[str, Any], ...], text: str):
    with pytest.raises(ValidationFailed) as raised:
        read(*blocks)
    assert str(raised.value).startswith(text)


def test_a_document_needs_a_text_beside_it():
    with pytest.raises(ValidationFailed, match="A message with a document must have text too"):
        read(block(), text="")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (block(format="doc"), "Documents of the format doc cannot be read here .* Save it as docx"),
        (block(format="xls"), "Save it as xlsx"),
        (block(s3Location={"uri": "s3://b/k"}), "doesn't support the s3Location field"),
        ({"document": {**block()["document"], "citations": {"enabled": True}}}, "doesn't support the citations field"),
        ({"document": {**block()["document"], "context": "x"}}, "doesn't support the context field"),
    ],
)
def test_what_bedrock_takes_and_tanren_does_not_is_refused_by_name(given: dict[str, Any], text: str):
    with pytest.raises(NotImplementedHere, match=text):
        read(given)


def test_a_planted_sentence_of_a_pdf_is_among_the_ids_that_the_model_reads(tmp_path: Path):
    template = ChatTemplate(save_tokenizer(tmp_path))
    asked = read(block(format="pdf", bytes=pdf_saying("Lamps. The secret word is heliotrope.")))
    ids, sentence = template.prompt_ids(asked), template.text_ids(" The secret word is heliotrope.")
    assert any(ids[start : start + len(sentence)] == sentence for start in range(len(ids)))
