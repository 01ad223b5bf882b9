"""`throughline circuit close`: new tasks are taken again, before the breaker's wait is over."""

import sys
from argparse import Namespace

from throughline.cli import service
from throughline.cli.confirmation import confirmed
from throughline.cli.operator_calls import OperatorCalls, Refused
from throughline.local.run import CannotRun


def close(arguments: Namespace) -> int:
    address = service.url(arguments.url)
    with OperatorCalls(address, arguments.why) as calls:
        try:
            if calls.circuit() == "closed":
                print(f"The circuit breaker at {address} is closed: tasks are taken.", file=sys.stderr)
                return 0
            if not confirmed(f"Close the circuit breaker at {address}? New tasks are taken again.", yes=arguments.yes):
                print("Nothing was done.", file=sys.stderr)
                return 1
            calls.close_circuit()
        except Refused as why:
            raise CannotRun(f"The circuit breaker was not closed: {why}") from None
    print("The circuit breaker is closed.")
    return 0
