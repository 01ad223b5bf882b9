"""How the user can call this command again: by name when it is on the PATH, else by where it lies."""

import os
import shutil
import sys


def command_name() -> str:
    return "throughline" if shutil.which("throughline") else os.path.relpath(sys.argv[0])
