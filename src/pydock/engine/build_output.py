"""What a build prints: BuildKit's events (`--progress=rawjson`), or the lines of `--progress=plain` of an older client.

An event is a JSON object of BuildKit's type `SolveStatus` (https://github.com/moby/buildkit/blob/master/client/graph.go):
lists of steps ("vertexes"), of their states ("statuses") and of what they print ("logs", in Base64). buildx 0.13 spreads an
object over several lines, later versions do not. Before 0.13, clients ignore a mode that they do not know.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, NamedTuple

# A control sequence of a terminal; programs in a build colour their output, although it goes to a pipe.
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PLAIN = re.compile(r"#(?P<number>\d+) (?:(?P<time>\d+\.\d+) ?)?(?P<text>.*)")
STATE = re.compile(r"(?:(?P<done>DONE \d[\d.]*s|CACHED|CANCELED)|ERROR: (?P<error>.*))")
MAX_OBJECT = 8 << 20  # characters of one event at most


class Event(NamedTuple):
    """Something that happened: a step "started" or "ended", or it printed a "line"; or a "size" was reported.

    The text is the line, the step's name, how it ended, or the bytes that were transferred, "CURRENT TOTAL". A "message" is
    a line of the client itself, and belongs to no step.
    """

    kind: str
    step: Step
    text: str


class Step:
    """A step of a build; `number` counts from 1, `error` is "" unless it failed."""

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.error = ""
        self.started = False
        self.ended = False
        self.lines: list[str] = []
        self.unfinished: dict[int, str] = {}  # stream -> the beginning of a line
        self.sizes: dict[str, tuple[int, int]] = {}  # what is transferred -> bytes so far, and in total


NO_STEP = Step(0, "")


class BuildOutput:
    """The steps of a build and what they printed, read from the client's stderr as it arrives."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self.messages: list[str] = []
        self.log: list[str] = []  # all of it, in the order of its arrival, like BuildKit's plain output
        self._received = b""
        self._object: list[str] = []  # the lines of an event that is not complete
        self._size = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Take what has arrived; return what happened."""
        *lines, self._received = (self._received + chunk).split(b"\n")
        events = [event for line in lines for event in self._take_line(line.decode(errors="replace"))]
        self.log += map(as_text, events)
        return events

    def end(self) -> list[Event]:
        """Return the rest of what happened."""
        events = self.feed(b"\n") if self._received else []
        rest = [event for line in self._object for event in self._take_text(line)]
        self._object = []
        rest += [event for step in self.steps.values() for event in self._unfinished_lines(step)]
        self.log += map(as_text, rest)
        return events + rest

    @property
    def failed_step(self) -> Step | None:
        """Return the step that failed; those that were cancelled because of it did not."""
        failed = [step for step in self.steps.values() if step.error]
        return next((step for step in failed if "context canceled" not in step.error), None)

    def text(self) -> str:
        """Return what the client and the failed step said, for the patterns of known failures."""
        step = self.failed_step
        return "\n".join([*self.messages, *(step.lines if step else ())])

    def _take_line(self, line: str) -> list[Event]:
        if self._object or line.startswith("{"):
            self._object.append(line)
            self._size += len(line)
            complete = line == "}" or (len(self._object) == 1 and line.endswith("}"))
            if not complete and self._size < MAX_OBJECT:
                return []
            lines, self._object, self._size = self._object, [], 0
            try:
                return self._take_status(json.loads("\n".join(lines)))
            except (ValueError, KeyError, TypeError, AttributeError):  # not one of BuildKit's events
                return [event for text in lines for event in self._take_text(text)]
        return self._take_text(line)

    def _take_status(self, status: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        for vertex in status.get("vertexes") or ():
            events += self._take_vertex(vertex)
        for state in status.get("statuses") or ():
            step = self._step(state["vertex"])
            if state.get("total") and not step.ended:
                step.sizes[state["id"]] = (state.get("current") or 0, state["total"])
                sums = map(sum, zip(*step.sizes.values()))
                events.append(Event("size", step, " ".join(map(str, sums))))
        for log in status.get("logs") or ():
            step, stream = self._step(log["vertex"]), log.get("stream") or 0
            text = base64.b64decode(log.get("data") or "").decode(errors="replace")
            *lines, step.unfinished[stream] = (step.unfinished.get(stream, "") + text).split("\n")
            events += [self._printed(step, line) for line in lines]
        return events

    def _take_vertex(self, vertex: dict[str, Any]) -> list[Event]:
        events = []
        step = self._step(vertex["digest"], vertex.get("name") or "")
        if vertex.get("started") and not step.started:
            step.started = True
            if not vertex.get("cached"):
                events.append(Event("started", step, step.name))
        if vertex.get("completed") and not (step.ended and not vertex.get("error")):
            step.ended = True
            step.error = vertex.get("error") or ""
            events += self._unfinished_lines(step)
            events.append(
                Event(
                    "ended",
                    step,
                    f"ERROR: {step.error}" if step.error else "CACHED" if vertex.get("cached") else "DONE",
                )
            )
        return events

    def _take_text(self, line: str) -> list[Event]:
        """Take a line of plain output."""
        line = plain_line(line)
        found = PLAIN.fullmatch(line)
        if not found:
            if line.strip():
                self.messages.append(line)
                return [Event("message", NO_STEP, line)]
            return []
        known = found["number"] in self.steps
        step = self._step(found["number"], found["text"])
        step.number = int(found["number"])
        state = STATE.fullmatch(found["text"]) if not found["time"] else None
        if state:
            step.error = state["error"] or ""
            return [Event("ended", step, found["text"])]
        if found["time"]:
            return [self._printed(step, found["text"])]
        return [] if known else [Event("started", step, step.name)]

    def _step(self, key: str, name: str = "") -> Step:
        step = self.steps.get(key)
        if step is None:
            step = self.steps[key] = Step(len(self.steps) + 1, plain_line(name))
        return step

    def _printed(self, step: Step, line: str) -> Event:
        line = plain_line(line)
        step.lines.append(line)
        return Event("line", step, line)

    def _unfinished_lines(self, step: Step) -> list[Event]:
        rest, step.unfinished = step.unfinished, {}
        return [self._printed(step, line) for line in rest.values() if line]


def as_text(event: Event) -> str:
    """Return the event as a line of a log, "" if it is not for one."""
    if event.kind == "size":
        return ""
    return event.text if event.kind == "message" else f"#{event.step.number} {event.text}"


def plain_line(line: str) -> str:
    """Return a line as a terminal would show it in the end, without colours and without what is overwritten."""
    return SEQUENCE.sub("", line).rstrip("\r").rpartition("\r")[2].rstrip()
