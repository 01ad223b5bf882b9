"""The summary that `throughline journey` begins with where an ID has many tasks."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from throughline.cli.command_name import command_name
from throughline.cli.terminal import hanging, plain
from throughline.journey.journey import Journey
from throughline.journey.many_tasks import ManyTasks, SameError, many_tasks
from throughline.journey.quantities import format_count, format_duration


def draw_many(found: Journey, console: Console) -> Iterator[Text]:
    """States, types, the slowest, the failed; then how to see one of them, or all."""
    seen = many_tasks(found.submissions)
    told = f"  {format_count(seen.count, 'task')}: {seen.told}"
    yield Text.assemble((found.correlation_id, "bold"), (told, "not bold"))
    yield Text("")
    yield from _types(seen)
    yield Text("")
    yield Text("slowest", "bold")
    for each in seen.slowest:
        task, took = each.task, format_duration(each.took_ns)
        yield from hanging("  ", plain(f"{took:>8}  {task.status:<7}  {task.task_id}  {task.task_type}"), console)
    if seen.errors:
        yield Text("")
        yield Text("failed", "bold")
    for same in seen.errors:
        yield from _error(same, console)
    yield Text("")
    yield from _commands(found.correlation_id, seen)


def _types(seen: ManyTasks) -> Iterator[Text]:
    names = [plain(each.task_type) for each in seen.types]
    wide = max(len("type"), *map(cell_len, names))
    yield Text(f"{'type':<{wide}}  {'tasks':>6}  {'half took':>9}  {'slowest':>9}", "dim")
    for name, each in zip(names, seen.types, strict=True):
        times = f"{format_duration(each.median_ns):>9}  {format_duration(each.slowest_ns):>9}"
        yield Text(f"{name}{' ' * (wide - cell_len(name))}  {each.count:>6,}  {times}")


def _error(same: SameError, console: Console) -> Iterator[Text]:
    yield from hanging("  ", plain(f"{format_count(len(same.tasks), 'task')}: {same.error}"), console, "red")
    for task in same.examples:
        attempts = f"after {format_count(len(task.ends), 'attempt')}" if len(task.ends) > 1 else ""
        yield from hanging("    ", plain(f"{task.task_id}  {task.task_type}  {attempts}".rstrip()), console)
    if more := len(same.tasks) - len(same.examples):
        yield Text(f"    and {more:,} more")


def _commands(correlation_id: str, seen: ManyTasks) -> Iterator[Text]:
    begin = f"{command_name()} journey {correlation_id}"
    example = seen.errors[0].tasks[0] if seen.errors else seen.slowest[0].task
    yield Text(f"one of them: {begin} --task {plain(example.task_id)}", "dim", no_wrap=True)
    yield Text(f"all of them: {begin} --all", "dim", no_wrap=True)
