"""What a run says: plain lines with the time, for a terminal and for a log of CI."""

import sys
from datetime import datetime


def tell(line: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S}  {line}", flush=True)


def complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
