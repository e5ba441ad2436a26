"""A data file → records, or everything that is wrong with it. Validation and training read by the same code.

The format is sniffed from the first object of the file; every later row must agree. Errors stop nothing until the end
of the file, so that all of them are told at once; a file with one error gives no training.

Cost   one pass; memory of one line and at most `FINDINGS_CAP` findings and as many warnings.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tanren.data.findings import FINDINGS_CAP, DataInvalid, Finding, Severity
from tanren.data.formats import EXAMPLES, FORMATS_OF, DataFormat, Fault, read_content, sniff
from tanren.data.json_lines import JsonRow, NotJsonLines, json_rows
from tanren.data.positions import column_of
from tanren.data.records import RecordSource, TrainingRecord
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.foundation_models import RecordLimits
from tanren.domain.prompt_templates import PromptTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSummary:
    file: str
    format: DataFormat | None
    """None where no row shows one."""
    rows: int
    """Records that can be trained on."""
    line_count: int
    size_bytes: int
    sha256: str
    """Of the content as it was read: equal to the file's where the lines came with their endings."""
    findings: tuple[Finding, ...]
    """Errors and warnings in file order, at most `FINDINGS_CAP` of each."""
    error_count: int
    """All of them, also those past the cap."""

    @property
    def is_valid(self) -> bool:
        return self.error_count == 0

    def raise_if_invalid(self) -> None:
        """Raises DataInvalid with the findings, where there is an error."""
        if self.error_count:
            raise DataInvalid(self.findings, error_count=self.error_count)


class _Counted:
    """Lines passed through, counted and hashed."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self._hash = hashlib.sha256()
        self.line_count = 0
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self._hash.update(line)
            self.line_count += 1
            self.size_bytes += len(line)
            yield line

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class FileReader:
    """One pass over one file. Iterate `records()`, then ask for `summary()`."""

    def __init__(
        self,
        lines: Iterable[bytes],
        *,
        file: str,
        customization_type: CustomizationType,
        prompt_templates: Sequence[PromptTemplate] = (),
    ) -> None:
        self._file = file
        self._prompt_templates = prompt_templates
        self._customization_type = customization_type
        self._lines = _Counted(lines)
        self._format: DataFormat | None = None
        self._errors: list[Finding] = []
        self._warnings: list[Finding] = []
        self._warned: set[tuple[str, str]] = set()
        self._row_count = 0
        self.error_count = 0

    def records(self) -> Iterator[TrainingRecord]:
        """Every right record, in file order, among wrong ones too; `summary()` says whether the file may be used."""
        lines = iter(self._lines)
        try:
            for row in json_rows(lines, file=self._file):
                if isinstance(row, Finding):
                    self._note(row)
                elif (record := self._record_of(row)) is not None:
                    self._row_count += 1
                    yield record
        except NotJsonLines as error:
            self._note(error.finding)
        except _WrongCustomization as error:
            self._note(error.finding)
        for _ in lines:  # a file that was given up is still counted and hashed to its end
            pass
        if self._lines.line_count == 0:
            self._note(
                Finding(
                    file=self._file,
                    line=0,
                    rule="empty-file",
                    message="the file is empty.",
                    fix="Give it at least one record.",
                )
            )

    def summary(self, limits: RecordLimits | None = None, *, is_validation: bool = False) -> FileSummary:
        """What was found. Complete only after `records()` has been read to its end."""
        findings = sorted(
            [*self._errors, *self._warnings, *self._limit_warnings(limits, is_validation)],
            key=lambda finding: (finding.line, finding.column or 0),
        )
        return FileSummary(
            file=self._file,
            format=self._format,
            rows=self._row_count,
            line_count=self._lines.line_count,
            size_bytes=self._lines.size_bytes,
            sha256=self._lines.sha256,
            findings=tuple(findings),
            error_count=self.error_count,
        )

    def _record_of(self, row: JsonRow) -> TrainingRecord | None:
        data_format = sniff(row.value)
        if data_format is None:
            expected = " or ".join(EXAMPLES[option] for option in FORMATS_OF[self._customization_type])
            self._fault(
                row,
                Fault(
                    path=(),
                    rule="unknown-format",
                    message="the record has none of the keys of a training record.",
                    fix=f"Input data must follow {expected}.",
                ),
            )
            return None
        if self._format is None:
            self._format = data_format
            self._check_customization(row, data_format)
        elif data_format is not self._format:
            self._fault(
                row,
                Fault(
                    path=(),
                    rule="mixed-formats",
                    message=f"the record is in the format {data_format}, the file began with {self._format}.",
                    fix=f"Keep one format a file: {EXAMPLES[self._format]}",
                ),
            )
            return None
        content, faults = read_content(row.value, data_format, self._prompt_templates)
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
                message=f"the record is in the format {data_format}, which is for {other}; "
                f"the job's customizationType is {self._customization_type}.",
                fix=f"Ask for {other}, or write the records as {EXAMPLES[expected[0]]}",
            )
        )

    def _fault(self, row: JsonRow, fault: Fault) -> None:
        if fault.is_warning:
            # One warning a key: a key that stands in each of 10,000 rows is one thing to know.
            key = (fault.rule, str(fault.path[-1]) if fault.path else "")
            if key in self._warned:
                return
            self._warned.add(key)
        self._note(
            Finding(
                file=self._file,
                line=row.line,
                column=column_of(row.text, fault.path),
                rule=fault.rule,
                message=fault.message,
                fix=fault.fix,
                severity=Severity.WARNING if fault.is_warning else Severity.ERROR,
            )
        )

    def _note(self, finding: Finding) -> None:
        kept = self._warnings if finding.severity is Severity.WARNING else self._errors
        if finding.severity is Severity.ERROR:
            self.error_count += 1
        if len(kept) < FINDINGS_CAP:
            kept.append(finding)

    def _limit_warnings(self, limits: RecordLimits | None, is_validation: bool) -> Iterator[Finding]:
        if limits is None:
            return
        rows, size = self._row_count, self._lines.size_bytes
        maximum = limits.maximum_validation if is_validation else limits.maximum
        maximum_bytes = limits.maximum_validation_bytes if is_validation else limits.maximum_bytes
        if not is_validation and limits.minimum is not None and rows < limits.minimum:
            yield self._limit_warning(
                "too-few-records", f"{rows} records; AWS takes at least {limits.minimum} for this model."
            )
        if maximum is not None and rows > maximum:
            yield self._limit_warning(
                "too-many-records", f"{rows} records; AWS takes at most {maximum} for this model."
            )
        if maximum_bytes is not None and size > maximum_bytes:
            yield self._limit_warning(
                "too-many-bytes", f"{size} bytes; AWS takes at most {maximum_bytes} in a file for this model."
            )
        if limits.formats and self._format is not None and self._format not in limits.formats:
            yield self._limit_warning(
                "other-format",
                f"the format is {self._format}; AWS takes {' or '.join(limits.formats)} for this model.",
            )

    def _limit_warning(self, rule: str, message: str) -> Finding:
        return Finding(
            file=self._file,
            line=0,
            rule=rule,
            message=message,
            fix="tanren trains with them; the same job would be refused on AWS.",
            severity=Severity.WARNING,
        )


def validate_file(
    lines: Iterable[bytes],
    *,
    file: str,
    customization_type: CustomizationType,
    prompt_templates: Sequence[PromptTemplate] = (),
    limits: RecordLimits | None = None,
    is_validation: bool = False,
) -> FileSummary:
    """What is in the file and everything that is wrong with it; raises nothing about the data.

    Why   data outside `limits` are warned about: they are AWS's quotas, and smaller or other sets train as well.
    """
    reader = FileReader(lines, file=file, customization_type=customization_type, prompt_templates=prompt_templates)
    for _ in reader.records():
        pass
    return reader.summary(limits, is_validation=is_validation)


def read_records(
    lines: Iterable[bytes],
    *,
    file: str,
    customization_type: CustomizationType,
    prompt_templates: Sequence[PromptTemplate] = (),
) -> Iterator[TrainingRecord]:
    """The records in file order, streaming.

    Raises   DataInvalid at the end of the file, with all findings, where any line is wrong; no record comes after
             the first wrong line, so that nobody trains on half a file.
    """
    reader = FileReader(lines, file=file, customization_type=customization_type, prompt_templates=prompt_templates)
    for record in reader.records():
        if not reader.error_count:
            yield record
    reader.summary().raise_if_invalid()


class _WrongCustomization(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding
