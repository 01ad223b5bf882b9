"""Charts of a task's result, as its type declares them: from numbers to inline SVG, without a script."""
