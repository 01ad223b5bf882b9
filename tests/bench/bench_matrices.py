"""Matrices of 500 rows: reading one beside reading its JSON, and the nearest correlations beside one decomposition."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import json

import numpy as np

from risk.matrices import correlations_checked, covariance_checked, full_rows
from risk.quant.nearest_correlation import nearest_correlation
from tests.bench.ratio import say, versus

SIZE = 500
DRAWN = np.random.default_rng(1).standard_normal((2 * SIZE, SIZE))
CORRELATIONS = np.corrcoef(DRAWN, rowvar=False)
DEVIATIONS = np.diag(np.linspace(0.1, 0.5, SIZE))
COVARIANCE = np.cov(DRAWN @ DEVIATIONS, rowvar=False)
BODIES = {
    "a covariance as rows": (COVARIANCE, covariance_checked),
    "a covariance off by rounding": (DEVIATIONS @ CORRELATIONS @ DEVIATIONS, covariance_checked),
    "correlations off by rounding": (CORRELATIONS, correlations_checked),
    "a packed covariance": (COVARIANCE[np.tril_indices(SIZE)], covariance_checked),
}
IMPOSSIBLE = np.round(np.corrcoef(DRAWN[: SIZE // 2], rowvar=False), 2)


def main() -> None:
    for what, (matrix, checked) in BODIES.items():
        sent = matrix.tolist()
        body = json.dumps(sent)

        def read(sent=sent, checked=checked):
            checked(full_rows(sent, {SIZE: "asset"}, "matrix"))

        def parse(body=body):
            json.loads(body)

        ours, floor = versus(read, parse)
        say(f"{what}, 500 rows, against json.loads", ours / floor, 1.5, at_most=True, detail=f"{ours * 1e3:.0f} ms")
    ours, floor = versus(lambda: nearest_correlation(IMPOSSIBLE), lambda: np.linalg.eigh(IMPOSSIBLE), 5)
    say("nearest to 500 rounded correlations, in eigh", ours / floor, 25.0, at_most=True, detail=f"{ours * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
