"""How much one document may take, in the process that reads it and out of it."""

from typing import Final

MAX_TEXT_CHARACTERS: Final = 2_000_000
MAX_PDF_PAGES: Final = 1_000
MAX_UNPACKED_BYTES: Final = 200 * 1024 * 1024
"""Of all files in a DOCX or XLSX together."""
MAX_PACKED_FILES: Final = 5_000
MAX_SHEET_CELLS: Final = 1_000_000
MEMORY_BYTES: Final = 1024 * 1024 * 1024
PROCESSOR_SECONDS: Final = 10
WALL_SECONDS: Final = 30
