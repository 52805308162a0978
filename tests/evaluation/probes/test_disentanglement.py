"""TAD, DCI, MIG and FactorVAE score: 1 for a code whose dims are the factors, low for its rotation, 0 for noise."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy, ortho_group
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import mutual_info_score

from vaekit.evaluation.probes import factors as known
from vaekit.evaluation.probes.dci import completeness, dci, disentanglement
from vaekit.evaluation.probes.disentanglement import Coded
from vaekit.evaluation.probes.disentanglement import disentanglement as all_scores
from vaekit.evaluation.probes.factors import bins_of, counts_of, factor_vae, gaps, information
from vaekit.evaluation.probes.rows import jackknife
from vaekit.evaluation.probes.tad import tad, told_by_another

K = 5


@pytest.fixture(scope="module")
def worlds():
    """Return 2,600 images of five factors with ten even values each, and codes: the factors, rotated, noise; 7 dims."""
    r = np.random.default_rng(0)
    factors = r.integers(0, 10, (2600, K)).astype(np.float64)
    spare = r.normal(size=(2600, 2))
    perfect = np.hstack([spare[:, :1], (factors[:, ::-1] - 4.5) * [0.1, 1, -1, 2, 0.5], spare[:, 1:]])
    turn = ortho_group.rvs(7, random_state=1)
    rotated = (perfect / perfect.std(0)) @ turn
    return factors, {"perfect": perfect, "rotated": rotated, "noise": r.normal(size=(2600, 7))}


def scores_of(codes, factors):
    trees = dci(codes[:2000], factors[:2000], codes[2000:], factors[2000:])
    bins = bins_of(factors)
    return {
        "mig": gaps(codes, bins).mean(),
        "vote": factor_vae(codes, bins, 0),
        "D": trees.disentanglement,
        "C": trees.completeness,
        "I": trees.informativeness,
    }


def test_a_factorised_code_scores_one(worlds):
    factors, codes = worlds
    found = scores_of(codes["perfect"], factors)
    assert found["mig"] == pytest.approx(1, abs=0.02)
    assert found["vote"] == 1
    assert min(found["D"], found["C"], found["I"]) > 0.99


def test_a_rotated_code_keeps_the_information_only(worlds):
    factors, codes = worlds
    found = scores_of(codes["rotated"], factors)
    assert found["mig"] < 0.15 and found["D"] < 0.5 and found["C"] < 0.5
    assert found["vote"] < 0.9, "known to be lenient: seven dims, each closest to one of five factors"
    assert found["I"] > 0.75


def test_noise_scores_nothing(worlds):
    factors, codes = worlds
    found = scores_of(codes["noise"], factors)
    assert found["mig"] < 0.01 and found["D"] < 0.1 and found["C"] < 0.1 and found["I"] < 0.02
    assert abs(found["vote"] - 1 / K) < 0.05, "the factor that was fixed is guessed"


def test_dci_of_known_importances():
    """Two dims for three factors: the definition of disentanglement_lib, term by term."""
    assert disentanglement(np.eye(3)) == pytest.approx(1) and completeness(np.eye(3)) == pytest.approx(1)
    assert disentanglement(np.ones((4, 3))) == pytest.approx(0, abs=1e-9)
    importance = np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]])
    by_dim = 1 - entropy(importance.T + 1e-11, base=3)
    assert disentanglement(importance) == pytest.approx(by_dim @ importance.sum(1) / importance.sum())
    by_factor = 1 - entropy(importance + 1e-11, base=2)
    assert completeness(importance) == pytest.approx(by_factor @ importance.sum(0) / importance.sum()) != 0
    assert completeness(importance) == pytest.approx(2 / 3)
    assert disentanglement(np.zeros((4, 3))) == completeness(np.zeros((4, 3))) == 0


def test_importances_are_those_of_scikit_learns_boosted_trees():
    """Two dims matter, two to one, seven do not: both count the gain of splits."""
    r = np.random.default_rng(2)
    codes = r.normal(size=(1500, 9))
    label = codes[:, 0] + 0.5 * codes[:, 4] + 0.5 * r.normal(size=1500) > 0.3
    ours = dci(codes[:1000], label[:1000, None], codes[1000:], label[1000:, None])
    theirs = GradientBoostingClassifier(random_state=0).fit(codes[:1000], label[:1000]).feature_importances_
    assert ours.importance.sum() == pytest.approx(1)
    assert np.abs(ours.importance[:, 0] - theirs).max() < 0.05
    assert ours.importance[0, 0] > 2 * ours.importance[4, 0] > 4 * np.delete(ours.importance[:, 0], [0, 4]).max()
    assert 0.9 < ours.informativeness < 1, "AUROC"


def test_mutual_information_equals_scikit_learn(worlds):
    factors, codes = worlds
    bins = bins_of(factors[:, :3])
    ours = information(counts_of(codes["rotated"], bins))
    for d in range(7):
        column = codes["rotated"][:, d]
        binned = np.digitize(column, np.histogram(column, 20)[1][:-1])  # disentanglement_lib's discretiser
        expected = [mutual_info_score(bins[:, k], binned) for k in range(3)]
        assert ours[d] == pytest.approx(expected, abs=1e-10)
    ordered = np.sort(ours, axis=0)
    own = [mutual_info_score(bins[:, k], bins[:, k]) for k in range(3)]
    assert gaps(codes["rotated"], bins) == pytest.approx((ordered[-1] - ordered[-2]) / own)


def test_bins_hold_equally_many_images():
    r = np.random.default_rng(3)
    skewed = np.column_stack([r.exponential(size=1000), np.where(r.random(1000) < 0.6, 0.0, r.random(1000))])
    bins = bins_of(skewed)
    assert np.bincount(bins[:, 0]).tolist() == [100] * 10
    assert len(np.unique(bins[:, 1])) == 4, "a value shared by 60 % of the images fills one bin"
    assert (np.diff(bins[np.argsort(skewed[:, 1]), 1]) >= 0).all()


def test_a_dead_code_scores_nothing(worlds):
    factors, _ = worlds
    bins, dead = bins_of(factors), np.zeros((2600, 4))
    assert factor_vae(dead + 1e-3 * np.random.default_rng(0).normal(size=dead.shape), bins, 0) == 0
    assert gaps(dead, bins) == pytest.approx(np.zeros(K))
    trees = dci(dead[:200], factors[:200], dead[200:400], factors[200:400])
    assert (trees.disentanglement, trees.completeness, trees.informativeness) == (0, 0, 0)


def test_groups_come_from_two_halves_and_share_a_bin(worlds):
    factors, _ = worlds
    bins = bins_of(factors)
    made, judged = halves = known.halves_of(len(bins), 0)
    assert set(made) | set(judged) == set(range(len(bins))) and not set(made) & set(judged)
    assert known.group_size(bins, halves) == known.GROUP
    few = known.halves_of(600, 0)
    assert 20 <= known.group_size(bins[:600], few) < 35


def test_tad_adds_up_the_gaps_of_captured_attributes():
    """Attribute 0 in one dim alone, 1 in two dims alike, 2 in none; each gap is known."""
    r = np.random.default_rng(4)
    labels = r.random((4000, 3)) < 0.4
    codes = r.normal(size=(4000, 4))
    codes[:, 2] -= 10 * labels[:, 0]
    codes[:, [0, 3]] += 10 * labels[:, 1:2]
    found = tad(codes, labels)
    assert found.captured.tolist() == [True, True, False]
    assert found.best[0] == 2 and found.gap[0] == pytest.approx(0.5, abs=0.03) and found.gap[1] == 0
    assert found.value == pytest.approx(found.gap[0])
    assert tad(codes * [1, 1, 1e-3, 1], labels).value == 0, "a dim that spans less than 0.2 takes no part"
    assert tad(codes[:, 2:3], labels).value == pytest.approx(0.5, abs=0.01), "one dim alone leads over guessing"


def test_tad_leaves_out_what_another_attribute_tells():
    r = np.random.default_rng(5)
    labels = r.random((4000, 2)) < 0.5
    twin = np.column_stack([labels[:, 0], labels[:, 0] ^ (r.random(4000) < 0.02), labels[:, 1]])
    codes = r.normal(size=(4000, 3)) + 4 * twin[:, [0, 2, 2]]
    told = told_by_another(twin)
    information = [mutual_info_score(twin[:, a], twin[:, b]) for a, b in ((0, 1), (1, 0), (2, 0))]
    own = [mutual_info_score(twin[:, k], twin[:, k]) for k in range(3)]
    assert told[:2] == pytest.approx(np.array(information[:2]) / own[:2]) and told[2] < 0.01
    assert tad(codes, twin).captured.tolist() == [False, False, True]


def test_the_jackknife_gives_the_standard_error_of_a_mean():
    values = np.random.default_rng(6).exponential(size=4000)
    found = jackknife(values.mean(), 4000, 0, lambda rows: values[rows].mean())
    half = (found.high - found.low) / 2
    assert 0.6 < half / (2.26 * values.std() / np.sqrt(4000)) < 1.5, "t of nine degrees of freedom, ten groups"
    assert found.low + half == pytest.approx(found.value) and found.n == 4000
    assert jackknife(0.5, 10, 0, lambda rows: 0.5).low is None


def test_rows_of_what_can_be_computed_and_of_what_can_not(worlds):
    factors, codes = worlds
    mu, table = codes["perfect"], pd.DataFrame(factors, columns=[f"factor {k}" for k in range(K)])
    labels = factors[:, :2] > 5
    train, test = (Coded(mu[part], labels[part], table.iloc[part]) for part in (slice(2000), slice(2000, 2600)))
    found = all_scores(train, test, ("One", "Two"), "", "", 0)
    assert {name: row.reason for name, row in found.rows.items()} == dict.fromkeys(found.rows)
    assert found.rows["mig"].value > 0.97 and found.rows["mig"].n == 2000
    assert found.rows["mig"].low <= found.rows["mig"].value <= found.rows["mig"].high
    assert [kept["attribute"] for kept in found.record["tad"]] == ["One", "Two"]
    assert found.record["factors"]["dci"]["best"][0] == {"name": "factor 0", "dim": 5, "share": pytest.approx(1)}
    without = [Coded(part.mu, part.labels[:, :0], None) for part in (train, test)]
    found = all_scores(*without, (), "these images have no attributes", "", 0)
    assert found.rows["tad"].reason == found.rows["dci_completeness"].reason == "these images have no attributes"
    assert "vaekit data faces --factors independent" in found.rows["mig"].reason
    assert all(row.value is None for row in found.rows.values())
    few = [Coded(part.mu[:600], part.labels[:600], part.factors[:600]) for part in (train, test)]
    assert "are needed" in all_scores(*few, ("One", "Two"), "", "", 0).rows["factor_vae_score"].reason
    tiny = [Coded(part.mu[:50], part.labels[:50], part.factors[:50]) for part in (train, test)]
    reasons = {row.reason for row in all_scores(*tiny, ("One", "Two"), "", "", 0).rows.values()}
    assert reasons == {"fewer than 100 images in a split"}
