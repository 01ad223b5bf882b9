"""Estimates of a covariance, by scikit-learn's published values and by the paper's formula written out."""

import numpy as np
import pytest

from risk.quant.estimated_covariance import ledoit_wolf, sample_covariance


def test_the_example_of_scikit_learn_s_documentation():
    # scikit-learn 1.9.1, sklearn.covariance.ledoit_wolf: the example of its page, which prints two decimals
    drawn = np.random.RandomState(0).multivariate_normal([0, 0], [[0.4, 0.2], [0.2, 0.8]], size=50)
    covariance, share = ledoit_wolf(drawn)
    assert np.allclose(covariance, [[0.44067332, 0.16161585], [0.16161585, 0.80226294]], rtol=0, atol=5e-9)
    assert share == pytest.approx(0.23025406200239137, rel=1e-12)


def by_the_paper(returns):
    """d², b² and the share of section 3.2, with a loop over the periods as it is written there."""
    centred = returns - returns.mean(axis=0)
    periods, size = centred.shape
    sample = sum(np.outer(x, x) for x in centred) / periods
    scaled = np.trace(sample) / size * np.eye(size)
    distance = np.sum((sample - scaled) ** 2) / size
    error = sum(np.sum((np.outer(x, x) - sample) ** 2) / size for x in centred) / periods**2
    share = min(error, distance) / distance
    return share * scaled + (1 - share) * sample, share


@pytest.mark.parametrize(("periods", "size"), [(20, 3), (30, 60), (200, 10)])
@pytest.mark.parametrize("scale", [1.0, 1e-5, 1e-90])
def test_the_formula_of_the_paper_at_any_scale_and_with_more_assets_than_periods(periods, size, scale):
    rng = np.random.default_rng(size)
    returns = rng.standard_t(5, (periods, size)) @ rng.standard_normal((size, size))
    expected, share = by_the_paper(returns)
    found, found_share = ledoit_wolf(returns * scale)
    assert found_share == pytest.approx(share, rel=1e-9)
    assert np.allclose(found / scale**2, expected, rtol=1e-9, atol=1e-12)
    assert np.linalg.eigvalsh(found)[0] > 0


def test_one_asset_is_not_shrunk_and_returns_that_never_change_have_no_variance():
    returns = np.random.default_rng(1).standard_normal((50, 1))
    covariance, share = ledoit_wolf(returns)
    assert covariance[0, 0] == pytest.approx(np.var(returns))
    assert share == 0.0
    for still in (ledoit_wolf(np.full((20, 2), 0.01))[0], sample_covariance(np.full((20, 2), 0.01))):
        assert still.tolist() == [[0, 0], [0, 0]]


def test_the_sample_s_covariance_is_numpy_s():
    returns = np.random.default_rng(1).standard_normal((50, 4)) * 1e-5
    assert np.allclose(sample_covariance(returns), np.cov(returns, rowvar=False), rtol=1e-12, atol=1e-22)
