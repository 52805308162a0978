"""All probes of one model: known codes give known scores, controls stay where they must, and what fails says why."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.oracle_runs import oracle_config
from tests.evaluation.tasks import task_of
from vaekit import artifacts
from vaekit.codes import Codes
from vaekit.data import Prepared, Protocol
from vaekit.evaluation.probes import fit_probes
from vaekit.evaluation.probes.controls import pixel_codes
from vaekit.evaluation.probes.fit import COLUMNS, FEWEST
from vaekit.evaluation.probes.kinds import KINDS
from vaekit.evaluation.probes.scores import by_chance
from vaekit.evaluation.probes.words import sentences
from vaekit.faces.population import FACTORS, GRADED, draw_sitter
from vaekit.figures.words import estimate
from vaekit.models.base import build_model

N, SIDE = 1600, 16
CONFIG = oracle_config(latent_dim=4)
MODEL = build_model(CONFIG.model, CONFIG.likelihood, SIDE, seed=0)
OWN = {attribute: factor for factor, (attribute, *_) in GRADED.items()}  # attributes that one factor settles


def prepared_of(labels: np.ndarray, names: list[str], folder: Path, people: int = 10**9) -> Prepared:
    """Return images of noise, three fifths train, in which everything but the pixels is known."""
    n = len(labels)
    r = np.random.default_rng(0)
    split = np.select([np.arange(n) < 0.6 * n, np.arange(n) < 0.8 * n], ["train", "valid"], "test")
    index = pd.DataFrame({"image_id": [f"{i:05d}" for i in range(n)], "split": split})
    index["identity"] = [str(i % people) for i in range(n)]
    index = pd.concat([index, pd.DataFrame(labels.astype(int), columns=names)], axis=1)
    images = r.integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)
    return Prepared(folder, images, index, index[:0], Protocol(178, SIDE), "noise", "f", tuple(names), (), {})


def codes_of(prepared: Prepared, split: str, mu: np.ndarray, z: np.ndarray | None = None) -> Codes:
    rows = prepared.rows(split)
    ids = prepared.index["image_id"].iloc[rows].tolist()
    return Codes(rows, ids, mu[rows].astype(np.float32), np.zeros_like(mu[rows]), (mu if z is None else z)[rows])


def probes_of(prepared: Prepared, mu: np.ndarray, z: np.ndarray | None = None, seed: int = 0):
    codes = (codes_of(prepared, split, mu, z) for split in ("train", "valid", "test"))
    return fit_probes(task_of(MODEL, prepared, seed=seed), *codes)


@pytest.fixture(scope="module")
def sitters():
    """Return the true factors of drawn faces, without a pixel drawn, and the attributes that they show."""
    drawn = [draw_sitter(0, i, "celeba") for i in range(N)]
    factors = np.array([[sitter.factors[name] for name in FACTORS] for sitter in drawn])
    return factors, pd.DataFrame([sitter.attributes for sitter in drawn])[list(OWN)]


@pytest.fixture(scope="module")
def true_factors(sitters, tmp_path_factory):
    factors, attributes = sitters
    prepared = prepared_of(attributes.to_numpy(), list(attributes), tmp_path_factory.mktemp("factors"), people=100)
    return prepared, probes_of(prepared, factors)


@pytest.fixture(scope="module")
def of_noise(sitters, tmp_path_factory):
    attributes = sitters[1].iloc[:, :12]
    prepared = prepared_of(attributes.to_numpy(), list(attributes), tmp_path_factory.mktemp("noise"))
    return prepared, probes_of(prepared, np.random.default_rng(1).normal(size=(N, 32)))


def of_kind(probes, kind: str) -> pd.DataFrame:
    return probes.table[probes.table["kind"] == kind].set_index("attribute")


def test_probes_on_the_true_factors_are_right(true_factors):
    _, probes = true_factors
    latent = of_kind(probes, "latent")
    assert len(latent) >= 20
    assert latent["auroc"].min() > 0.99
    assert latent["converged"].all()
    assert probes.estimates["probe_auroc"].value == pytest.approx(latent["auroc"].mean())
    assert probes.directions.auroc == pytest.approx(latent["auroc"])
    strongest = np.abs(probes.directions.single_dim_auroc - 0.5).argmax(1)
    told = [FACTORS[d] == OWN[name] for d, name in zip(strongest, latent.index, strict=True)]
    assert np.mean(told) > 0.9, "the single dim that goes with an attribute is its factor"


def test_probes_on_noise_and_of_shuffled_labels_guess(of_noise, true_factors):
    """The mean over attributes lies within its own interval of 0.5: so for noise as for labels without order."""
    for probes, kinds in ((of_noise[1], ("latent", "pixels", "random", "shuffled")), (true_factors[1], ("shuffled",))):
        for kind in kinds:
            row = probes.estimates["probe_auroc" + ("" if kind == "latent" else f"_{kind}")]
            half = (row.high - row.low) / 2
            assert half < 0.03
            assert abs(row.value - 0.5) < 1.3 * half, kind


def test_every_control_stands_beside_every_attribute(true_factors):
    prepared, probes = true_factors
    table = probes.table
    names = probes.record["attributes"]
    assert list(table) == list(COLUMNS)
    assert list(zip(table["attribute"], table["kind"], strict=True)) == [(a, k) for a in names for k in KINDS]
    assert (table["n"] == prepared.count("test")).all()
    ends = table[["auroc_low", "auroc", "auroc_high"]].to_numpy()
    assert (np.diff(ends, axis=1) >= 0).all()
    share = prepared.attribute_table(prepared.rows("train"))[names].mean()
    majority = of_kind(probes, "majority")
    assert (majority["auroc"] == 0.5).all() and (majority["balanced_accuracy"] == 0.5).all()
    assert majority["average_precision"].to_numpy() == pytest.approx(majority["share"])
    test = prepared.attribute_table(prepared.rows("test"))[names]
    assert majority["brier"].to_numpy() == pytest.approx(((test - share) ** 2).mean())
    latent, pixels = of_kind(probes, "latent"), of_kind(probes, "pixels")
    assert pixels["lead"].to_numpy() == pytest.approx((latent["auroc"] - pixels["auroc"]).to_numpy())
    assert latent["lead"].isna().all()
    assert probes.estimates["probe_lead"].value == pytest.approx(pixels["lead"].mean())


def test_a_sample_without_the_signal_says_so(sitters, of_noise, true_factors):
    """A collapsed code: mu still tells everything, in a spread that the posterior's noise drowns."""
    prepared, _ = of_noise
    z = np.random.default_rng(2).normal(size=sitters[0].shape)
    probes = probes_of(prepared, 1e-3 * sitters[0], z)
    rows = probes.estimates
    assert rows["probe_auroc"].value > 0.99
    assert rows["probe_auroc_sampled"].low - 0.01 < 0.5 < rows["probe_auroc_sampled"].high + 0.01
    assert any("drowns in the posterior's noise" in sentence for sentence in probes.record["sentences"])
    assert not any("drowns" in sentence for sentence in true_factors[1].record["sentences"])


def test_the_same_seed_gives_the_same_bytes(of_noise, tmp_path):
    prepared, probes = of_noise
    again = probes_of(prepared, np.random.default_rng(1).normal(size=(N, 32)))
    for number, one in enumerate((probes, again)):
        one.write(tmp_path / str(number))
    for name in (artifacts.PROBES, artifacts.PROBES_SUMMARY, artifacts.DIRECTIONS):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()
    other = probes_of(prepared, np.random.default_rng(1).normal(size=(N, 32)), seed=1)
    assert (of_kind(other, "shuffled")["auroc"] != of_kind(probes, "shuffled")["auroc"]).all()
    assert (of_kind(other, "latent")["auroc"] == of_kind(probes, "latent")["auroc"]).all()
    read = artifacts.read_table(tmp_path / "0" / artifacts.PROBES)
    assert read["auroc"].to_numpy() == pytest.approx(probes.table["auroc"])
    assert json.loads((tmp_path / "0" / artifacts.PROBES_SUMMARY).read_text())["rows"] == {
        name: of.record() for name, of in probes.estimates.items()
    }


def test_sentences_carry_the_numbers(true_factors, of_noise):
    _, probes = true_factors
    said = probes.record["sentences"]
    row = probes.estimates["probe_auroc"]
    assert f"mean AUROC of {estimate(row.value, row.low, row.high)}" in said[0]
    assert "Fitted on 960, C chosen on 320, scored on 320 images." in said[0]
    assert said[1].startswith("The code says more of them than linear pixels do: 77 principal components")
    assert of_noise[1].record["sentences"][1].startswith("The code says no more of them than linear pixels do")
    assert any(sentence.endswith("as it must.") for sentence in said)
    assert any(f"fewer than {FEWEST} images" in sentence for sentence in said)


def test_rare_attributes_are_left_out_with_their_counts(true_factors):
    prepared, probes = true_factors
    skipped = {one["attribute"]: one for one in probes.record["skipped"]}
    assert set(skipped) | set(probes.record["attributes"]) == set(prepared.attributes)
    for name in prepared.attributes:
        have = [prepared.attribute_table(prepared.rows(s))[name] for s in ("train", "valid", "test")]
        least = min(min(values.sum(), len(values) - values.sum()) for values in have)
        assert (least < FEWEST) == (name in skipped)
        if name in skipped:
            assert skipped[name]["with"] == {s: v.sum() for s, v in zip(("train", "valid", "test"), have, strict=True)}


def test_people_in_two_splits_are_reported(true_factors, of_noise):
    shared = true_factors[1].record["identities"]
    assert (shared["shared_people"], shared["shared_images"]) == (100, 320)
    assert "Also in train or valid: 100 of the 100 people of test, on 320 of 320 images:" in shared["sentence"]
    apart = of_noise[1].record["identities"]
    assert apart["shared_images"] == 0 and apart["sentence"].startswith("None of the 320 people of test")


def test_who_is_who_may_be_unknown(of_noise):
    prepared, _ = of_noise
    index = prepared.index.drop(columns=["identity", *prepared.attributes])
    probes = probes_of(replace(prepared, index=index, attributes=()), np.ones((N, 3)))
    assert probes.record["identities"]["known"] is False


@pytest.mark.parametrize("case", ["no attributes", "rare attributes", "not finite"])
def test_where_nothing_can_be_probed_every_artifact_says_why(of_noise, tmp_path, case):
    prepared, _ = of_noise
    mu = np.random.default_rng(3).normal(size=(N, 3))
    if case == "no attributes":
        prepared = replace(prepared, index=prepared.index.drop(columns=list(prepared.attributes)), attributes=())
        reason = "these images have no attributes"
    elif case == "rare attributes":
        rare = prepared.index.assign(**dict.fromkeys(prepared.attributes, 0))
        prepared, reason = (
            replace(prepared, index=rare),
            "no attribute has 20 images with and without it in every split",
        )
    else:
        mu[5, 1], reason = np.inf, "the encoder gives codes that are not finite"
    probes = probes_of(prepared, mu)
    probes.write(tmp_path)
    assert probes.record["reason"] == reason and reason in probes.record["sentences"][0]
    assert probes.estimates["probe_auroc"].value is None
    assert {probes.estimates[name].reason for name in ("probe_auroc", "probe_lead", "tad")} == {reason}
    assert artifacts.read_table(tmp_path / artifacts.PROBES).empty
    arrays = artifacts.read_arrays(tmp_path / artifacts.DIRECTIONS)
    assert arrays["normal"].shape == (0, 3) and arrays["mu_mean"].shape == (3,)


def test_a_code_that_never_moves_guesses(of_noise):
    prepared, _ = of_noise
    probes = probes_of(prepared, np.ones((N, 3)))
    assert (of_kind(probes, "latent")["auroc"] == 0.5).all()
    assert (probes.directions.normal == 0).all() and np.isfinite(probes.directions.cosine).all()
    assert probes.estimates["tad"].value == 0


def test_true_factors_beside_the_images_are_scored(of_noise, tmp_path):
    prepared, _ = of_noise
    factors = np.random.default_rng(4).random((N, 4))
    table = pd.DataFrame(factors, columns=list("abcd")).assign(image_id=prepared.index["image_id"])
    artifacts.write_table(tmp_path / artifacts.FACTORS, table)
    probes = probes_of(replace(prepared, folder=tmp_path), factors)
    assert probes.estimates["mig"].value > 0.7 and probes.estimates["factor_vae_score"].value == 1
    assert probes.estimates["dci_factors_disentanglement"].value > 0.95
    assert probes.record["disentanglement"]["factors"]["names"] == list("abcd")


def told(probes, **controls) -> str:
    """What the probes say where their comparisons with the controls are these."""
    rows = probes.estimates
    if "shuffled_mean" in controls:
        rows["probe_auroc_shuffled"] = replace(rows["probe_auroc_shuffled"], value=controls.pop("shuffled_mean"))
    facts = probes.record | {"rows": rows, "controls": probes.record["controls"] | controls}
    return " ".join(sentences(probes.table, facts))


def test_a_leak_is_told_only_beyond_what_chance_does_once_in_a_thousand_reports(true_factors):
    probes = true_factors[1]
    bound = probes.record["controls"]["shuffled"]["bound"]
    assert "as it must." in told(probes, shuffled_mean=0.5 + 0.99 * bound)
    assert "look for a leak" in told(probes, shuffled_mean=0.5 + 1.01 * bound)


def test_the_bound_on_shuffled_labels_holds_for_scores_of_any_kind():
    """Scores that all attributes share, heavy ties among them: the order of the labels is chance all the same."""
    generator = np.random.default_rng(0)
    scores = np.repeat(generator.random((200, 1)).round(1), 12, axis=1)
    beyond, means = 0, []
    for _ in range(400):
        labels = np.stack([generator.permutation(200) < 20 + 5 * k for k in range(12)], axis=1)
        mean, bound = by_chance(scores, labels)
        beyond += abs(mean.value - 0.5) > bound
        means.append(mean.value)
    assert beyond <= 3
    assert np.std(means) == pytest.approx(bound / 3.29, rel=0.15)


def test_what_the_untrained_network_reaches_is_remarked_on(true_factors):
    probes = true_factors[1]
    better, alike, worse = (
        told(probes, trained_minus_untrained={"value": v, "low": v - 0.01, "high": v + 0.01}) for v in (0.1, 0.0, -0.1)
    )
    assert "training added nothing" not in better
    assert "no less than on the trained code: training added nothing" in alike
    assert "more than on the trained code" in worse


def test_components_are_those_of_all_train_images_whatever_the_seed(tmp_path):
    """On 5,000 images with a decaying spectrum: as exact as a full decomposition, and no choice to move them."""
    generator = np.random.default_rng(0)
    pixels = generator.normal(size=(5000, 3 * 256)) * 60 / np.arange(1, 769) ** 0.5
    images = (pixels + 128).clip(0, 255).astype(np.uint8).reshape(-1, 16, 16, 3)
    index = pd.DataFrame({"image_id": [str(i) for i in range(5000)], "split": "train"})
    prepared = Prepared(tmp_path, images, index, index[:0], Protocol(178, 16), "ramp", "f", (), (), {})
    rows = np.arange(5000)
    one, two = (pixel_codes(prepared, rows, [rows[:50], rows[:0]], 8, seed) for seed in (0, 1))
    flat = images.reshape(5000, -1).astype(np.float64)
    values = np.linalg.eigvalsh(np.cov(flat.T))[::-1]
    assert one.images == 5000 and one.explained == pytest.approx(values[:8].sum() / values.sum(), rel=1e-3)
    first, second = (np.abs(found.codes[0][:, :6]) for found in (one, two))  # the last ones have near neighbours
    assert first == pytest.approx(second, abs=0.05 * float(first.std()))
    assert one.codes[1].shape == (0, 8)
