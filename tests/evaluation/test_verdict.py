"""The verdict: each name from the numbers alone, its causes from the settings, its thresholds in one table."""

from dataclasses import replace

import pytest

from vaekit.config import RunConfig
from vaekit.evaluation.latent.verdict import THRESHOLDS, Facts, judge

HEALTHY = Facts(
    images=1000,
    dims=64,
    active_units=60,
    passive=2,
    active=50,
    kl=90.0,
    kl_per_dim=(1.4,) * 64,
    permuted=4.0,
    r2=0.8,
    sigma2=0.1,
    noise_cost=25.0,
    noise_due=28.0,
    hole=1.2,
    sigma_trained=0.08,
    sigma_calibrated=0.08,
)
COLLAPSED = replace(
    HEALTHY,
    active_units=0,
    passive=64,
    active=0,
    kl=1e-4,
    permuted=1.0,
    r2=-0.01,
    sigma2=None,
    noise_cost=0,
    noise_due=0,
    hole=None,
    sigma_trained=30.0,
    sigma_calibrated=0.27,
    kl_per_dim=(0.0,) * 64,
)


def config(sigma=0.7, **objective) -> RunConfig:
    return RunConfig(objective=objective, likelihood={"sigma": sigma})


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("none", HEALTHY),
        ("not judged", replace(HEALTHY, images=1)),
        ("not judged", replace(HEALTHY, kl=float("inf"))),
        ("full collapse", COLLAPSED),
        ("full collapse", replace(HEALTHY, kl=0.5)),
        ("decoder ignores z", replace(HEALTHY, permuted=1.01)),
        ("rate too high", replace(HEALTHY, noise_cost=1.0, sigma2=0.01, hole=9.0)),
        ("none", replace(HEALTHY, noise_cost=1.0, sigma2=0.5)),  # wide posteriors are not too sharp
        ("partial collapse", replace(HEALTHY, passive=10)),
        ("partial collapse", replace(HEALTHY, passive=0, active=20)),
    ],
)
def test_each_name(name, facts):
    verdict = judge(facts, config())
    assert verdict.name == name
    assert verdict.sentence.endswith(".") and (len(verdict.evidence) >= 4) == (name != "not judged")


def test_causes_of_a_collapse():
    both = judge(COLLAPSED, config(beta=3000.0))
    assert any("beta = 3000 is too large" in cause for cause in both.causes)
    assert any("no warm-up" in cause for cause in both.causes)
    # sse + beta kl implies sigma^2 ~ beta: the better beta brings it to the calibrated one.
    assert any("Set objective.beta = 0.24" in remedy for remedy in both.remedies)
    mean = judge(COLLAPSED, config(pixels="mean"))
    assert "averages over pixels" in mean.causes[0] and mean.remedies[0] == 'Set objective.pixels = "sum".'
    warm = judge(COLLAPSED, config(kl_warmup_epochs=3.0))
    assert not any("warm-up" in cause for cause in warm.causes)
    bits = judge(replace(COLLAPSED, kl_per_dim=(0.05,) * 64), config(free_bits=0.05))
    assert any("free bits of 0.05" in cause for cause in bits.causes)
    strong = judge(replace(COLLAPSED, sigma_trained=0.27), config("optimal"))
    assert any("strong enough" in cause for cause in strong.causes)


def test_causes_of_a_deaf_decoder_and_of_a_high_rate():
    deaf = judge(replace(HEALTHY, permuted=1.0), config())
    assert "strong enough" in deaf.causes[0] and "reaches it" in deaf.remedies[0]
    sharp = replace(HEALTHY, noise_cost=1.0, sigma2=0.01, sigma_trained=0.02, sigma_calibrated=0.16)
    high = judge(sharp, config(beta=0.001))
    assert "beta = 0.001 is too small" in high.causes[0] and "objective.beta = 0.064" in high.remedies[0]
    assert "decoder was never trained" in judge(replace(sharp, hole=5.0), config()).sentence
    foreign = judge(replace(sharp, sigma_trained=None), config())
    assert "far more certain" in foreign.causes[0]


def test_a_prior_hole_is_said_of_a_healthy_code_too():
    assert "never trained" in judge(replace(HEALTHY, hole=5.0), config()).sentence
    assert "never trained" not in judge(HEALTHY, config()).sentence


def test_all_thresholds_are_in_the_record():
    record = judge(HEALTHY, config()).record()
    assert record["thresholds"].keys() == THRESHOLDS.keys() and record["name"] == "none" and record["causes"] == []
    assert all(t["meaning"] for t in record["thresholds"].values())
