"""Draw a terminal's text as SVG: ``make demo | docs/images/draw.py > docs/images/demo.svg`` keeps the table at the end of the run."""

from __future__ import annotations

import io
import re
import sys

from rich.console import Console
from rich.text import Text

COLOURS = {"✓": "green", "✗": "red", "…": "yellow"}
FIRST, LAST = "CLUSTER ", "Done in "


def table_of(output: str) -> list[str]:
    """From the table's head to the last line, without Ansible's recap, and with paths as seen from the checkout."""
    lines = [line.strip() if line.strip().startswith(("kubectl,", LAST)) else line for line in output.splitlines()]
    start = next(number for number, line in enumerate(lines) if line.strip().startswith(FIRST))
    end = next(number for number, line in enumerate(lines) if line.startswith("TASK") and number > start)
    last = next(line for line in lines if line.startswith(LAST))
    indent = len(lines[start]) - len(lines[start].lstrip())
    kept = [re.sub(r"\S*/\.edgefed/", ".edgefed/", line[indent:]) for line in lines[start:end]]
    return ["$ make demo", "…", "", *kept, last, ""]


def main() -> None:
    lines = table_of(sys.stdin.read())
    console = Console(record=True, file=io.StringIO(), width=max(map(len, lines)) + 2, height=len(lines))
    for line in lines:
        text = Text(line)
        for sign, colour in COLOURS.items():
            text.highlight_words([sign], style=colour)
        console.print(text, no_wrap=True)
    drawn = console.export_svg(title="edgefed")
    # rich names a font on a server: what is looked at here loads nothing from outside
    sys.stdout.write(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL).replace("Fira Code, monospace", "monospace"))


main()
