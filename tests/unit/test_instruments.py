"""Options and bonds have the prices that books and QuantLib give them, and stay within the bounds of no arbitrage."""

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 – its own examples call it so
from hypothesis import given
from hypothesis import strategies as st

from risk.errors import NotCalculable
from risk.instruments import BondTerms, OptionTerms
from risk.quant.instruments import Bond, NoYield, Option
from risk.terms import bonds_of, options_of, yields_of

SPOTS = st.sampled_from([0.0, 5e-324, 1e-300, 1e-9, 70.0, 99.999999, 100.0, 130.0, 1e12])
VOLATILITIES = st.sampled_from([5e-324, 1e-12, 1e-4, 0.2, 10.0, 110.0])
MATURITIES = st.sampled_from([-1.0, 0.0, 5e-324, 1e-6, 1.0, 100.0])


@given(st.booleans(), SPOTS, VOLATILITIES, MATURITIES, st.sampled_from([-1.0, 0.0, 0.05, 1.0]), st.floats(-1, 1))
def test_an_option_stays_within_its_bounds_whatever_its_terms(call, spot, volatility, maturity, rate, dividends):
    years = max(0.0, maturity)
    paid, struck = spot * np.exp(-dividends * years), 100.0 * np.exp(-rate * years)
    with np.errstate(all="raise", under="ignore"):
        value = float(Option(call, 100.0, maturity, volatility, rate, dividends).price(spot))
    assert max(0.0, paid - struck if call else struck - paid) <= value <= (paid if call else struck)


def test_an_option_has_the_price_of_the_book():
    # Hull, Options, Futures, and Other Derivatives (9th ed.), example 15.6.
    call, put = Option(np.array([True, False]), 40.0, 0.5, 0.2, 0.1).price(42.0)
    assert (round(call, 2), round(put, 2)) == (4.76, 0.81)


@pytest.mark.parametrize("deviation", [1e-4, 0.01, 0.5, 6.0])
@pytest.mark.parametrize("moneyness", [-30, -8, -1, 0, 1, 8])
def test_an_option_far_out_of_the_money_has_the_digits_that_quantlib_gives_it(deviation, moneyness):
    strike = 100 * np.exp(-moneyness * min(deviation, 1))
    for call, kind in ((True, ql.Option.Call), (False, ql.Option.Put)):
        value = float(Option(call, strike, 1.0, deviation).price(100.0))
        expected = ql.blackFormula(kind, strike, 100.0, deviation)
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-13)


def test_a_deep_out_of_the_money_price_keeps_its_relative_precision():
    # ∫ (100 eˣ − K)⁺ over the normal density by quadrature, 37 standard deviations out.
    deviation, strike = 0.1, 100 * np.exp(3.7)
    x = np.linspace(3.7, 4.2, 2_000_001)
    density = np.exp(-(((x + deviation**2 / 2) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
    expected = np.trapezoid((100 * np.exp(x) - strike) * density, x)
    assert float(Option(True, strike, 1.0, deviation).price(100.0)) == pytest.approx(expected, rel=1e-8, abs=0)
    assert 0 < expected < 1e-290


def test_a_put_of_a_thousand_percent_volatility_is_worth_nearly_its_strike():
    assert float(Option(False, 100.0, 1.0, 10.0).price(100.0)) == pytest.approx(99.99994, abs=1e-5)


def test_an_option_that_expired_is_worth_its_payoff():
    option = Option(True, 100.0, 0.02, 0.3, 0.05)
    assert float(option.price(110.0, passed=0.02)) == float(option.price(110.0, passed=0.04)) == 10.0


def test_changes_of_volatility_and_rate_and_time_reprice_an_option():
    moved = Option(True, 100.0, 1.0, 0.2, 0.05).price(80.0, volatility_change=0.5, rate_change=0.01, passed=0.25)
    assert moved == pytest.approx(float(Option(True, 100.0, 0.75, 0.3, 0.06).price(80.0)))


@pytest.mark.parametrize(
    ("coupon", "maturity", "at", "price"),
    [
        (0.10, 20, 0.11, 91.977),  # Fabozzi, Bond Markets, Analysis, and Strategies (8th ed.), ch. 2: $919.77
        (0.10, 20, 0.068, 134.704),  # ibid.: $1,347.04
        (0.10, 20, 0.10, 100.0),
        (0.0, 15, 0.094, 25.212),  # ibid.: a zero-coupon bond, $252.12
    ],
)
def test_a_bond_has_the_price_and_the_yield_of_the_book(coupon, maturity, at, price):
    bond = Bond(coupon, maturity)
    assert float(bond.price(at)) == pytest.approx(price, abs=6e-4)
    assert bond.yield_of(price)[0] == pytest.approx(at, abs=1e-5)


FREQUENCIES = [(1, ql.Annual), (2, ql.Semiannual), (4, ql.Quarterly), (12, ql.Monthly)]


@pytest.mark.parametrize(("coupons_a_year", "frequency"), FREQUENCIES)
@pytest.mark.parametrize("coupon", [0.0, 0.045])
def test_a_bond_between_two_coupons_has_quantlibs_price_and_yield(coupons_a_year, frequency, coupon):
    settled, ends = ql.Date(1, 3, 2026), ql.Date(15, 6, 2036)
    ql.Settings.instance().evaluationDate = settled
    schedule = ql.Schedule(
        ql.Date(15, 6, 2025),
        ends,
        ql.Period(frequency),
        ql.NullCalendar(),
        ql.Unadjusted,
        ql.Unadjusted,
        ql.DateGeneration.Backward,
        False,
    )
    count = ql.Thirty360(ql.Thirty360.BondBasis)
    theirs = ql.FixedRateBond(0, 100.0, schedule, [coupon], count)
    ours = Bond(coupon, count.yearFraction(settled, ends), coupons_a_year)
    for at in (-0.01, 0.0, 0.03, 0.4):
        dirty = ql.BondFunctions.cleanPrice(theirs, at, count, ql.Compounded, frequency, settled)
        dirty += theirs.accruedAmount(settled)
        assert float(ours.price(at)) == pytest.approx(dirty, rel=1e-9)
        assert ours.yield_of(dirty)[0] == pytest.approx(at, abs=1e-9)


def test_a_year_later_the_coupons_of_the_year_are_counted():
    bond = Bond(0.06, 3.0, 2)
    assert float(bond.price(0.05, passed=1.0)) == pytest.approx(6.0 + float(Bond(0.06, 2.0, 2).price(0.05)))
    assert float(bond.price(0.05, passed=3.5)) == pytest.approx(118.0)


def test_many_bonds_are_priced_at_once():
    bonds = Bond(np.array([0.05, 0.0]), np.array([10.0, 2.5]), np.array([1, 4]), np.array([100.0, 1_000.0]))
    one, other = Bond(0.05, 10.0, 1), Bond(0.0, 2.5, 4, 1_000.0)
    yields = np.array([[0.01, 0.02], [0.03, 0.04]])
    np.testing.assert_allclose(bonds.price(yields)[:, 0], one.price(yields[:, 0]))
    np.testing.assert_allclose(bonds.price(yields)[:, 1], other.price(yields[:, 1]))
    np.testing.assert_allclose(bonds.yield_of(bonds.price(yields[1])), yields[1])


def test_a_price_that_no_yield_gives_is_told_with_those_that_one_does():
    with pytest.raises(NoYield):
        Bond(0.05, 10.0).yield_of(1e6)
    terms = [BondTerms(coupon=0.05, maturity=10.0), BondTerms(coupon=0.0, maturity=0.1)]
    with pytest.raises(NotCalculable, match=r"^data\.positions\[3\]\.price: 5 is .* no yield from -50% to 1000%"):
        yields_of(bonds_of(terms), np.array([100.0, 5.0]), ["data.positions[1]", "data.positions[3]"])


def test_terms_become_arrays_that_price_them_all():
    terms = [OptionTerms(right=right, strike=40.0, maturity=0.5, volatility=0.2, rate=0.1) for right in ("call", "put")]
    assert options_of(terms).price(42.0) == pytest.approx([4.76, 0.81], abs=0.005)
