"""Content blocks of a streamed answer in the events of ConverseStream, which Nova's chunks share."""

from typing import Any

from tanren.domain.generation import TextDelta, ToolInputDelta, ToolUseEnd, ToolUseStart

Event = dict[str, Any]


class ContentBlockEvents:
    """Of one answer: a block of text opens without an event, one of a tool use with contentBlockStart."""

    def __init__(self) -> None:
        self._index = 0
        self._is_open = False

    def events(self, event: TextDelta | ToolUseStart | ToolInputDelta | ToolUseEnd) -> list[Event]:
        match event:
            case TextDelta():
                return [self._delta({"text": event.text})] if event.text else []
            case ToolUseStart():
                closing = self.close()
                self._is_open = True
                start = {"toolUse": {"toolUseId": event.id, "name": event.name}}
                return [*closing, {"contentBlockStart": {"start": start, "contentBlockIndex": self._index}}]
            case ToolInputDelta():
                return [self._delta({"toolUse": {"input": event.json_text}})]
            case ToolUseEnd():
                return self.close()

    def close(self) -> list[Event]:
        """The end of the block that is open, if one is."""
        if not self._is_open:
            return []
        self._is_open = False
        self._index += 1
        return [{"contentBlockStop": {"contentBlockIndex": self._index - 1}}]

    def _delta(self, delta: Event) -> Event:
        self._is_open = True
        return {"contentBlockDelta": {"delta": delta, "contentBlockIndex": self._index}}
