import numpy as np
import pytest
from scipy import stats

from vaekit.evaluation.samples.rates import Seen, rate_sentences, rate_table

ATTRIBUTES = ("Wearing_Hat", "Smiling", "Blurry", "Bald", "Pale_Skin")


def seen(rates: tuple[float, ...], n: int = 400) -> np.ndarray:
    """Probabilities of which exactly these shares lie above 0.5."""
    table = np.linspace(0.2, 0.1, n)[:, None].repeat(len(rates), 1)  # in the same order under any blur
    for k, rate in enumerate(rates):
        table[: round(rate * n), k] = 0.9
    return table


def table(samples=(0.0, 0.5, 0.5, 0.0, 0.4), dull=(0.04, 0.5, 0.5, 0.0, 0.05), auroc=(0.95, 0.99, 0.7, 0.9, 0.9)):
    real = seen((0.05, 0.52, 0.5, 0.06, 0.04), 500)
    return rate_table(
        ATTRIBUTES,
        np.full((1, 5), 0.5),
        np.array(auroc),
        real > 0.5,
        real[None],
        {"prior": Seen(seen(samples)[None], seen(dull, 500)[None])},
    )


def test_counts_intervals_and_findings():
    rows = table().set_index("attribute")
    assert "Blurry" not in rows.index  # the judge does not tell it apart
    hat = rows.loc["Wearing_Hat"]
    assert (hat["rate"], hat["real"], hat["blurred"], hat["labelled"]) == (0, 0.05, 0.04, 0.05)
    expected = stats.binomtest(25, 500).proportion_ci(method="wilson")
    assert (hat["real_low"], hat["real_high"]) == pytest.approx((expected.low, expected.high))
    assert hat["minus_real"] == pytest.approx(-0.05) and hat["minus_real_high"] < 0
    assert rows["finding"].to_dict() == {
        "Wearing_Hat": "dropped",
        "Smiling": "",
        "Bald": "lost in blur",
        "Pale_Skin": "overdrawn",
    }
    p = [stats.fisher_exact([[k, 400 - k], [s, 500 - s]]).pvalue for k, s in ((0, 25), (200, 260), (0, 30), (160, 20))]
    assert rows["q_real"].to_numpy() == pytest.approx(stats.false_discovery_control(p))


def test_says_what_is_drawn_too_rarely():
    said = rate_sentences(table(), "prior")
    assert said[0] == (
        "This VAE draws Wearing Hat too rarely: the judge sees it in 0 % of 400 samples from the prior, against 5 % of "
        "the test images, and 4 % of them when blurred as much."
    )
    assert said[-1].startswith("Of 4 attributes that the judge tells apart") and len(said) == 2


def test_equal_rates_find_nothing_under_many_draws():
    generator = np.random.default_rng(0)
    found = 0
    for _ in range(40):
        real, samples = (generator.random((1, 300, 5)) for _ in range(2))
        rows = rate_table(
            ATTRIBUTES, np.full((1, 5), 0.9), np.ones(5), real[0] > 0.9, real, {"prior": Seen(samples, real)}
        )
        found += (rows["finding"] != "").any()
    assert found <= 6  # each of 40 with a probability below 5 %: more has one of 1 %


def test_no_attribute_that_the_judge_tells_apart():
    assert len(table(auroc=(0.6, 0.7, np.nan, 0.5, 0.79))) == 0


def test_what_400_draws_lack_is_not_said_to_be_never_drawn():
    for rate in (0.0, 0.0025):
        assert "never" not in rate_sentences(table(samples=(rate, 0.5, 0.5, 0.0, 0.05)), "prior")[0]


def test_what_the_judge_no_longer_tells_under_the_blur_is_not_judged():
    """Planted: blur takes away which images wear a hat, though as many as ever seem to."""
    real = seen((0.05, 0.52, 0.5, 0.06, 0.04), 500)
    dull = seen((0.05, 0.52, 0.5, 0.06, 0.04), 500)
    dull[:, 0] = np.random.default_rng(0).permutation(dull[:, 0])
    sources = {"prior": Seen(seen((0.0, 0.5, 0.5, 0.0, 0.04))[None], dull[None])}
    rows = rate_table(ATTRIBUTES, np.full((1, 5), 0.5), np.full(5, 0.9), real > 0.5, real[None], sources)
    assert rows.set_index("attribute")["finding"][["Wearing_Hat", "Bald"]].tolist() == ["not judged", "dropped"]
    said = rate_sentences(rows, "prior")
    assert not any("draws Wearing Hat" in sentence for sentence in said)
    assert said[-1].endswith("(AUROC under 0.8): Wearing Hat.")
    assert "Not judged" not in rate_sentences(table(), "prior")[-1]


def test_networks_that_disagree_find_nothing():
    """One of three sees no hat in samples, the others as many as in test images: the judge, not the model."""
    real = np.stack([seen((0.2,) * 5, 500)] * 3)
    samples = np.stack([seen((rate,) * 5) for rate in (0.0, 0.2, 0.2)])
    alike = np.stack([seen((0.0,) * 5)] * 3)
    for drawn, finding in ((samples, ""), (alike, "dropped")):
        rows = rate_table(
            ATTRIBUTES, np.full((3, 5), 0.5), np.ones(5), real[0] > 0.5, real, {"prior": Seen(drawn, real)}
        )
        assert set(rows["finding"]) == {finding}
