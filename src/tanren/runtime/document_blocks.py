"""Document blocks of Converse, and the reading of documents however they came: names, numbers and sizes as Bedrock's.

Source   https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html: at most 5 documents of
         4.5 MB each in a request, a neutral name, since a name can be read as an instruction. Texts of refusals are
         AWS's where they are known.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from tanren.data.documents.reading import OLD_OFFICE_FORMATS, read_document
from tanren.domain.conversation import Conversation, Message
from tanren.domain.documents import AttachedDocument, DocumentFormat, EnclosedDocument
from tanren.domain.errors import NotImplementedHere, ValidationFailed

Members = Mapping[str, Any]

MAX_DOCUMENTS: Final = 5
MAX_DOCUMENT_BYTES: Final = 4_718_592
"""4.5 MB."""
MAX_NAME: Final = 200

_NAME: Final = re.compile(r"[A-Za-z0-9\s\-()\[\]]+")
_SPACES: Final = re.compile(r"\s\s")


def with_documents_read(conversation: Conversation) -> Conversation:
    """The same, every enclosed document read; takes seconds where one has to be parsed.

    Raises   ValidationFailed where the number, a size or a document breaks a rule.
    """
    names = [document.name for message in conversation.messages for document in (*message.documents, *message.enclosed)]
    if not names:
        return conversation
    if len(names) > MAX_DOCUMENTS:
        raise ValidationFailed(f"The request has {len(names)} documents; at most {MAX_DOCUMENTS} are taken.")
    return replace(conversation, messages=tuple(_read(message) for message in conversation.messages))


def read_document_block(block: Members, place: str) -> AttachedDocument | EnclosedDocument:
    """A `document` member of Converse. Raises   ValidationFailed where it is not of its shape."""
    for name in ("citations", "context"):
        if block.get(name):
            raise NotImplementedHere(f"This model doesn't support the {name} field at {place}. Remove it.")
    name, document_format = str(block.get("name", "")), _format(block.get("format"), place)
    source: Members = block.get("source") or {}
    (kind,) = list(source) if len(source) == 1 else [""]
    match kind:
        case "bytes":
            return EnclosedDocument(name=name, format=document_format, content=_bytes(source["bytes"], place))
        case "text":
            return AttachedDocument(name=name, text=_spoken(source["text"], place))
        case "content":
            texts = [str(piece.get("text", "")) for piece in source["content"]]
            return AttachedDocument(name=name, text=_spoken("\n".join(texts), place))
        case "s3Location":
            raise NotImplementedHere(
                f"This model doesn't support the s3Location field at {place}.source. Read the object and send its "
                "bytes."
            )
        case _:
            raise ValidationFailed(
                f"The document source at {place}.source must set one of the following keys: bytes, text, content."
            )


def _read(message: Message) -> Message:
    """The message with its enclosed documents read, behind those that came as text."""
    if not message.documents and not message.enclosed:
        return message
    if not message.text:
        raise ValidationFailed(
            "A message with a document must have text too. Add a text content block that says what to do with the "
            "document, and try again."
        )
    for document in message.documents:
        if len(document.text.encode(errors="replace")) > MAX_DOCUMENT_BYTES:
            raise _too_large(document.name)
    read = (AttachedDocument(name=each.name, text=_text_of(each)) for each in message.enclosed)
    return replace(message, documents=(*message.documents, *read), enclosed=())


def _text_of(document: EnclosedDocument) -> str:
    if not document.content:
        raise ValidationFailed(f"The document '{document.name}' is empty.")
    if len(document.content) > MAX_DOCUMENT_BYTES:
        raise _too_large(document.name)
    try:
        return read_document(document.content, document.format)
    except ValidationFailed as error:
        raise ValidationFailed(f"The document '{document.name}' cannot be used: {error}.") from error


def _too_large(name: str) -> ValidationFailed:
    return ValidationFailed(f"The document '{name}' is too large; a document can't be larger than 4.5 MB.")


def refuse_name(name: str, earlier: set[str]) -> None:
    """Raises   ValidationFailed where Converse does not take the name."""
    if not 0 < len(name) <= MAX_NAME:
        raise ValidationFailed(f"A document's name must have 1 to {MAX_NAME} characters.")
    if not _NAME.fullmatch(name) or _SPACES.search(name):
        raise ValidationFailed(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, "
            "parentheses, and square brackets. The name can't contain more than one consecutive whitespace character."
        )
    if name in earlier:
        raise ValidationFailed(f"The document name '{name}' is given twice; names of documents must be unique.")


def _format(value: object, place: str) -> DocumentFormat:
    if isinstance(value, str) and value in OLD_OFFICE_FORMATS:
        raise NotImplementedHere(
            f"Documents of the format {value} cannot be read here ({place}.format). Save it as "
            f"{OLD_OFFICE_FORMATS[value]} and try again."
        )
    known = [each.value for each in DocumentFormat]
    if value is None:
        return DocumentFormat.TXT
    if value not in known:
        raise ValidationFailed(f"The document format '{value}' at {place}.format must be one of {', '.join(known)}.")
    return DocumentFormat(cast(str, value))


def _spoken(text: object, place: str) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ValidationFailed(f"The text of the document at {place}.source is blank.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValidationFailed(f"The text at {place}.source holds half of a surrogate pair.") from error
    return text.strip()


def _bytes(value: object, place: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:  # text in the JSON of batch records
        return base64.b64decode(cast(str, value), validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValidationFailed(f"The document at {place}.source.bytes is not in Base64.") from error
