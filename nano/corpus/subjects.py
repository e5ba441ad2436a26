"""Every kind of invented subject, English and Japanese, that the conversations are about."""

import dataclasses

from nano.corpus.attributes import Attribute, Subject, SubjectKind, invent
from nano.corpus.kinds_everyday import EVERYDAY
from nano.corpus.kinds_japanese import JAPANESE_KINDS
from nano.corpus.kinds_work import WORK

__all__ = ["ENGLISH", "JAPANESE", "Attribute", "Subject", "SubjectKind", "invent"]

ENGLISH: tuple[SubjectKind, ...] = (*EVERYDAY, *WORK)
JAPANESE: tuple[SubjectKind, ...] = tuple(dataclasses.replace(kind, language="japanese") for kind in JAPANESE_KINDS)
