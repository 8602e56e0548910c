"""Writes the programs of docs/guide.md that wait for an outcome to the directory in the argument."""

import pathlib
import re
import sys

FILES = {"python": "wait.py", "js": "wait.mjs", "go": "wait.go", "java": "Wait.java"}

guide = (pathlib.Path(__file__).parents[2] / "docs/guide.md").read_text()
for language, name in FILES.items():
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    program, replaced = re.subn("wait=50s", "wait=1s", block)  # so that each program gets a 202 first
    if replaced != 1:
        sys.exit(f"the program in {language} must contain wait=50s once")
    pathlib.Path(sys.argv[1], name).write_text(program)
