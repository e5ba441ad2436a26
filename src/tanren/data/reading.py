"""A data file → records, or everything that is wrong with it. Validation and training read by the same code.

The format is sniffed from the first object of the file; every later row must agree. Errors stop nothing until the end
of the file, so that all of them are told at once; a file with one error gives no training. Where only findings are
asked for, blocks of lines that are right beyond doubt are passed over by the quick road (`clean_rows.py`).

Cost   one pass; memory of one block of lines and at most `FINDINGS_CAP` findings and as many warnings.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tanren.data.clean_rows import CleanRows
from tanren.data.containers import open_container
from tanren.data.families import FamilyRules
from tanren.data.findings import FINDINGS_CAP, DataInvalid, Finding, Severity, shown
from tanren.data.formats import EXAMPLES, FORMATS_OF, DataFormat, Fault, read_content, sniff
from tanren.data.json_lines import JsonRow, LineBlock, NotJsonLines, row_of_line
from tanren.data.records import RecordSource, TrainingRecord
from tanren.data.rules import TOLD_ONCE, aws_refuses
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.foundation_models import RecordLimits
from tanren.domain.prompt_templates import PromptTemplate
from tanren.domain.sentences import Sentence, joined, sentence

_KEYS_NAMED: Final = 5
_SLICE_LINES: Final = 16
"""A block with something wrong is looked at in slices of so many lines, and only a slice with a fault line by line."""
_AWS_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_\-/.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSummary:
    file: str
    format: DataFormat | None
    """None where no row shows one."""
    rows: int
    """Records that can be trained on."""
    line_count: int
    """Of the file as it was given, compressed or not."""
    size_bytes: int
    sha256: str
    """Of the content as it was read: equal to the file's where the lines came with their endings."""
    findings: tuple[Finding, ...]
    """Errors and warnings in file order, at most `FINDINGS_CAP` of each."""
    error_count: int
    """All of them, also those past the cap."""
    rule_counts: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often each rule is broken, also past the cap."""

    @property
    def is_valid(self) -> bool:
        return self.error_count == 0

    def raise_if_invalid(self) -> None:
        """Raises DataInvalid with the findings, where there is an error."""
        if self.error_count:
            raise DataInvalid(self.findings, error_count=self.error_count)


class _Counted:
    """Pieces passed through, counted and hashed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._hash = hashlib.sha256()
        self._newlines = 0
        self._has_open_line = False
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if not piece:
                continue
            self._hash.update(piece)
            self._newlines += piece.count(b"\n")
            self._has_open_line = not piece.endswith(b"\n")
            self.size_bytes += len(piece)
            yield piece

    @property
    def line_count(self) -> int:
        return self._newlines + self._has_open_line

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class FileReader:
    """One pass over one file. Iterate `records()`, or `check()`, then ask for `summary()`."""

    def __init__(
        self,
        pieces: Iterable[bytes],
        *,
        file: str,
        customization_type: CustomizationType,
        prompt_templates: Sequence[PromptTemplate] = (),
        family: FamilyRules | None = None,
        is_strict: bool = False,
    ) -> None:
        self._file = file
        self._prompt_templates = prompt_templates
        self._customization_type = customization_type
        self._family = family
        self._is_strict = is_strict
        self._pieces = _Counted(pieces)
        self._format: DataFormat | None = None
        self._clean: CleanRows | None = None
        self._errors: list[Finding] = []
        self._warnings: list[Finding] = []
        self._told: set[tuple[str, str]] = set()
        self._rule_counts: Counter[str] = Counter()
        self._row_count = 0
        self.error_count = 0

    def records(self) -> Iterator[TrainingRecord]:
        """Every right record, in file order, among wrong ones too; `summary()` says whether the file may be used."""
        yield from self._read(is_quick=False)

    def check(self) -> None:
        """Looks for findings only; finds what `records` finds."""
        for _ in self._read(is_quick=True):
            pass

    def summary(self, limits: RecordLimits | None = None, *, is_validation: bool = False) -> FileSummary:
        """What was found. Complete only after `records()` has been read to its end, or `check()`."""
        of_file = [self._judged(finding) for finding in self._limit_warnings(limits, is_validation)]
        errors = [finding for finding in of_file if finding.severity is Severity.ERROR]
        findings = sorted(
            [*self._errors, *self._warnings, *of_file], key=lambda finding: (finding.line, finding.column or 0)
        )
        return FileSummary(
            file=self._file,
            format=self._format,
            rows=self._row_count,
            line_count=self._pieces.line_count,
            size_bytes=self._pieces.size_bytes,
            sha256=self._pieces.sha256,
            findings=tuple(findings),
            error_count=self.error_count + len(errors),
            rule_counts=dict(self._rule_counts + Counter(finding.rule for finding in of_file)),
        )

    def _read(self, *, is_quick: bool) -> Iterator[TrainingRecord]:
        """The records; where `is_quick`, only those of which it is not clear that they are right."""
        pieces = iter(self._pieces)
        try:
            opened = open_container(pieces, file=self._file)
            for finding in opened.findings:
                self._note(finding)
            for row in opened.rows or ():
                if (record := self._record_or_note(row)) is not None:
                    yield record
            for block in opened.blocks or ():
                for part in self._doubtful(block) if is_quick else (block,):
                    for line, raw in enumerate(part.lines, start=part.first_line):
                        row = row_of_line(raw, file=self._file, line=line)
                        if (record := self._record_or_note(row)) is not None:
                            yield record
        except NotJsonLines as error:
            self._note(error.finding)
        except _WrongCustomization as error:
            self._note(error.finding)
        for _ in pieces:  # a file that was given up is still counted and hashed to its end
            pass
        if not self._row_count and not self.error_count:
            self._note(
                Finding(
                    file=self._file,
                    line=0,
                    rule="empty-file",
                    message=sentence("the file has no records.")
                    if self._pieces.size_bytes
                    else sentence("the file is empty."),
                    fix=sentence("Give it at least one record."),
                )
            )

    def _doubtful(self, block: LineBlock) -> Iterator[LineBlock]:
        """The lines of the block that are not right beyond doubt, one a block; the others are counted."""
        if self._is_clean(block):
            return
        for start in range(0, len(block.lines), _SLICE_LINES):
            part = _part(block, start, start + _SLICE_LINES)
            if self._is_clean(part):
                continue
            for index in range(len(part.lines)):
                single = _part(part, index, index + 1)
                if not self._is_clean(single):
                    yield single

    def _is_clean(self, block: LineBlock) -> bool:
        """Counts the rows where it is."""
        is_clean = self._clean is not None and self._clean.are_clean(block)
        self._row_count += len(block.lines) if is_clean else 0
        return is_clean

    def _record_or_note(self, row: JsonRow | Finding) -> TrainingRecord | None:
        if isinstance(row, Finding):
            self._note(row)
            return None
        record = self._record_of(row)
        self._row_count += record is not None
        return record

    def _record_of(self, row: JsonRow) -> TrainingRecord | None:
        data_format = sniff(row.value)
        if data_format is None:
            examples = [EXAMPLES[option] for option in FORMATS_OF[self._customization_type]]
            others = [joined(sentence(" or "), each) for each in examples[1:]]
            self._fault(
                row,
                Fault(
                    path=(),
                    rule="unknown-format",
                    message=_keys_instead(row.value),
                    fix=joined(
                        sentence("Input data must follow "),
                        examples[0],
                        *others,
                        sentence(
                            ". Where only the keys are other ones: "
                            "tanren data preprocess --prompt-key KEY --completion-key KEY"
                        ),
                    ),
                ),
            )
            return None
        if self._format is None:
            self._format = data_format
            self._check_customization(row, data_format)
            self._clean = CleanRows(data_format, templates=self._prompt_templates, family=self._family)
        elif data_format is not self._format:
            self._fault(
                row,
                Fault(
                    path=(),
                    rule="mixed-formats",
                    message=sentence(
                        "the record is in the format {format}, the file began with {first}.",
                        format=data_format,
                        first=self._format,
                    ),
                    fix=sentence("Keep one format a file: {example}", example=EXAMPLES[self._format]),
                ),
            )
            return None
        content, faults = read_content(row.value, data_format, self._prompt_templates, self._family)
        for fault in faults:
            self._fault(row, fault)
        if content is None:
            return None
        return TrainingRecord(source=RecordSource(file=self._file, line=row.line), content=content)

    def _check_customization(self, row: JsonRow, data_format: DataFormat) -> None:
        expected = FORMATS_OF[self._customization_type]
        if data_format in expected:
            return
        other = next(kind for kind, formats in FORMATS_OF.items() if data_format in formats)
        raise _WrongCustomization(
            Finding(
                file=self._file,
                line=row.line,
                column=1,
                rule="wrong-customization-type",
                message=sentence(
                    "the record is in the format {format}, which is for {other}; the job's customizationType is "
                    "{type}.",
                    format=data_format,
                    other=other,
                    type=self._customization_type,
                ),
                fix=sentence(
                    "Ask for {other}, or write the records as {example}", other=other, example=EXAMPLES[expected[0]]
                ),
            )
        )

    def _fault(self, row: JsonRow, fault: Fault) -> None:
        if fault.rule in TOLD_ONCE:
            # A key that stands in each of 10,000 rows is one thing to know.
            key = (fault.rule, str(fault.path[-1]) if fault.path else "")
            if key in self._told:
                return
            self._told.add(key)
        if (kept := self._counted(fault.rule, Severity.WARNING if fault.is_warning else Severity.ERROR)) is None:
            return
        # A place is paid for only where it is shown.
        line, column = row.place(fault.path)
        finding = Finding(
            file=self._file,
            line=line,
            column=column,
            rule=fault.rule,
            message=fault.message,
            fix=fault.fix,
            severity=Severity.WARNING if fault.is_warning else Severity.ERROR,
            text=(row.text_at(fault.path) if fault.text is None else fault.text) or None,
        )
        kept.append(self._judged(finding))

    def _note(self, finding: Finding) -> None:
        if (kept := self._counted(finding.rule, finding.severity)) is not None:
            kept.append(self._judged(finding))

    def _counted(self, rule: str, severity: Severity) -> list[Finding] | None:
        """Counts a finding. The list that it belongs to, or None where that is full."""
        is_error = self._severity(rule, severity) is Severity.ERROR
        self._rule_counts[rule] += 1
        self.error_count += is_error
        kept = self._errors if is_error else self._warnings
        return kept if len(kept) < FINDINGS_CAP else None

    def _judged(self, finding: Finding) -> Finding:
        """With AWS's verdict."""
        return replace(
            finding,
            aws_refuses=aws_refuses(finding.rule, self._family),
            severity=self._severity(finding.rule, finding.severity),
        )

    def _severity(self, rule: str, severity: Severity) -> Severity:
        """Where AWS's rules are asked for, what AWS refuses is an error."""
        return Severity.ERROR if self._is_strict and aws_refuses(rule, self._family) else severity

    def _limit_warnings(self, limits: RecordLimits | None, is_validation: bool) -> Iterator[Finding]:
        if limits is None:
            return
        rows, size = self._row_count, self._pieces.size_bytes
        family = self._family
        minimum, maximum, maximum_bytes = limits.minimum, limits.maximum, limits.maximum_bytes
        if is_validation:
            minimum = None if family is None else family.minimum_validation
            maximum = limits.maximum_validation or (None if family is None else family.maximum_validation)
            maximum_bytes = limits.maximum_validation_bytes
        if minimum is not None and rows < minimum:
            yield self._limit_warning(
                "too-few-records",
                sentence("{rows} records; AWS takes at least {bound} for this model.", rows=rows, bound=minimum),
            )
        if maximum is not None and rows > maximum:
            yield self._limit_warning(
                "too-many-records",
                sentence("{rows} records; AWS takes at most {bound} for this model.", rows=rows, bound=maximum),
            )
        if maximum_bytes is not None and size > maximum_bytes:
            yield self._limit_warning(
                "too-many-bytes",
                sentence(
                    "{size} bytes; AWS takes at most {bound} in a file for this model.", size=size, bound=maximum_bytes
                ),
            )
        if limits.formats and self._format is not None and self._format not in limits.formats:
            yield self._limit_warning(
                "other-format",
                sentence(
                    "the format is {format}; AWS takes {formats} for this model.",
                    format=self._format,
                    formats=" / ".join(limits.formats),
                ),
            )

        if (
            family is not None
            and "file-name" in family.refused
            and not _AWS_FILE_NAME.fullmatch(self._file.removeprefix("s3://"))
        ):
            yield self._limit_warning(
                "file-name",
                sentence("the file's name has other characters than letters, digits, and _ - / . of ASCII."),
            )
        if family is not None and "file-name" in family.refused and not self._file.endswith(".jsonl"):
            yield self._limit_warning("file-name", sentence("the file's name does not end in .jsonl."))

    def _limit_warning(self, rule: str, message: str) -> Finding:
        return Finding(
            file=self._file,
            line=0,
            rule=rule,
            message=message,
            fix=sentence("tanren trains with them; the same job would be refused on AWS."),
            severity=Severity.WARNING,
        )


def _keys_instead(row: Mapping[str, Any]) -> Sentence:
    if not row:
        return sentence("the record is empty.")
    keys = ", ".join(f'"{shown(key)}"' for key in list(row)[:_KEYS_NAMED])
    more = ", …" if len(row) > _KEYS_NAMED else ""
    return sentence("the record has none of the keys of a training record, but {keys}.", keys=keys + more)


def _part(block: LineBlock, start: int, end: int) -> LineBlock:
    lines = block.lines[start:end]
    return LineBlock(first_line=block.first_line + start, lines=lines, raw=b"\n".join(lines))


def validate_file(
    pieces: Iterable[bytes],
    *,
    file: str,
    customization_type: CustomizationType,
    prompt_templates: Sequence[PromptTemplate] = (),
    limits: RecordLimits | None = None,
    family: FamilyRules | None = None,
    is_validation: bool = False,
    is_strict: bool = False,
) -> FileSummary:
    """What is in the file and everything that is wrong with it; raises nothing about the data.

    Takes    the file's bytes, cut anywhere.
    Why      data outside `limits` and the rules of `family` are warned about: they are AWS's, and other sets train as
             well. Where `is_strict`, whatever AWS would refuse is an error.
    """
    reader = FileReader(
        pieces,
        file=file,
        customization_type=customization_type,
        prompt_templates=prompt_templates,
        family=family,
        is_strict=is_strict,
    )
    reader.check()
    return reader.summary(limits, is_validation=is_validation)


def read_records(
    pieces: Iterable[bytes],
    *,
    file: str,
    customization_type: CustomizationType,
    prompt_templates: Sequence[PromptTemplate] = (),
) -> Iterator[TrainingRecord]:
    """The records in file order, streaming, of the file's bytes, cut anywhere.

    Raises   DataInvalid at the end of the file, with all findings, where any line is wrong; no record comes after
             the first wrong line, so that nobody trains on half a file.
    """
    reader = FileReader(pieces, file=file, customization_type=customization_type, prompt_templates=prompt_templates)
    for record in reader.records():
        if not reader.error_count:
            yield record
    reader.summary().raise_if_invalid()


class _WrongCustomization(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding
