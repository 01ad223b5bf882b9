"""What panels ask of Prometheus, so that the first events of a series, a restart and a second monitor do no harm."""


def rate(series: str, window: str = "$__rate_interval", milliseconds: str = "$__rate_interval_ms") -> str:
    """A rate of what the collector counts. Of a series that was born within the window all is counted: rate() is blind
    to its first events. Not so when Prometheus had not looked at the collector before."""
    before = f"{series} offset {window}"
    born = f'({series} unless {before}) * 1000 / {milliseconds} and on () max(up{{job="spans"}} offset {window}) == 1'
    return f"(rate({series}[{window}]) and {before} or {born} or rate({series}[{window}]))"


def calls(selector: str, by: str = "") -> str:
    summed = f"sum by ({by}) " if by else "sum"
    return f"{summed}({rate(f'throughline_span_calls_total{{{selector}}}')})"


def percentile(buckets: str, by: str = "", share: float = 0.95) -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) ({buckets}))"


def counted(metric: str) -> str:
    """A rate of what the ledger has counted. Each monitor tells it, and one may take another's place."""
    return f"max without (instance) (rate({metric}[$__rate_interval]))"


def of_runs(by: str) -> str:
    return f"sum by ({by}) (rate(throughline:runs:count[$__rate_interval]))"


def share(selector: str, which: str, by: str, window: str, milliseconds: str) -> str:
    """Of all calls, those of `which`, split by a label: a value that has none of them is 0."""
    every = rate(f"throughline_span_calls_total{{{selector}}}", window, milliseconds)
    chosen = rate(f"throughline_span_calls_total{{{selector}, {which}}}", window, milliseconds)
    return f"(sum by ({by}) ({chosen}) or 0 * sum by ({by}) ({every})) / on () group_left () sum({every})"


def redis(metric: str) -> str:
    """A figure of Redis. Each monitor tells it: they are one figure, not several to be added."""
    return f"max without (instance) ({metric})"
