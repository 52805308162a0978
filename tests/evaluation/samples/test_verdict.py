import pytest

from vaekit.evaluation.samples.verdict import blame, modes
from vaekit.statistics.bootstrap import Estimate

CHAIN = ("train", "blurred", "reconstructions", "aggregate", "prior")


def rows(
    far: tuple[float | None, ...],
    *,
    half: float = 2.0,
    diversity=(1.0, 0.9, 0.85, 0.8, 0.8),
    between: float | None = None,
    n=500,
):
    """A table with these Fréchet distances; `between` is that of interpolations."""

    def e(value: float, half: float = half) -> Estimate:
        return Estimate(value, value - half, value + half, n)

    table = {
        name: {
            "fd_attributes": e(distance),
            "diversity": e(diverse, 0.02),
            "density": e(1.0, 0.05),
            "recall": e(0.9, 0.02),
        }
        for name, distance, diverse in zip(CHAIN, far, diversity, strict=True)
    }
    if between is not None:
        table["interpolations"] = table["reconstructions"] | {"fd_attributes": e(between)}
    return table


@pytest.mark.parametrize(
    ("far", "name", "says"),
    [
        ((3, 60, 61, 70, 500), "prior", "The prior is at fault: 86 % of the distance of prior samples"),
        ((3, 400, 401, 402, 443), "decoder", "show 100 % of that: detail is lost"),
        ((3, 100, 400, 400, 433), "encoder", "75 % of that is more than their blur explains"),
        ((3, 50, 52, 400, 420), "codes", "by the shape of its codes: 82 % of the distance"),
        ((3, 200, 200, 200, 360), "decoder", "Another 44 % lies between samples of a mixture"),
        ((3, 3, 3, 3, 4), "none", "as near to the test images as real train images"),
    ],
)
def test_blames_the_step_that_adds_most(far, name, says):
    found = blame([rows(far)], "attributes", {})
    assert found.name == name and says in found.sentence
    assert sum(found.shares.values()) == pytest.approx(1 if found.shares else 0)
    assert "at n = 500" in found.evidence[0]
    assert found.record()["thresholds"]["like_real"]["value"] == 1.5


def test_what_chance_hides_is_not_called_as_near():
    table = rows((3, 10, 11, 16, 25))
    table["prior"]["fd_attributes"] = Estimate(25.0, 0.0, 52.0, 100)
    found = blame([table], "attributes", {})
    assert found.name == "not judged" and found.sentence.startswith("100 images are too few to tell")


def test_shares_are_of_the_number_that_is_named():
    """Of 100 named, blur has 50, the number of images 3, the prior 30; a step of 17 is within chance, and said."""
    table = rows((3, 50, 50, 70, 100))
    table["aggregate"]["fd_attributes"] = Estimate(70.0, 45.0, 95.0, 500)
    found = blame([table], "attributes", {})
    assert "50 % of the distance of prior samples from the test images (100.0; real train images 3.0)" in found.sentence
    assert found.sentence.endswith("The steps that hold another 17 % are within chance.")
    assert found.shares == pytest.approx({"decoder": 0.5, "images": 0.03, "prior": 0.3, "unproven": 0.17})
    assert "within chance" not in blame([rows((3, 50, 50, 70, 100))], "attributes", {}).sentence


def test_where_prior_samples_are_nearer_than_another_source_that_one_is_named():
    found = blame([rows((3, 60, 61, 120, 90))], "attributes", {})
    assert "% of the distance of samples from the mixture from the test images (120.0; prior samples" in found.sentence
    assert sum(found.shares.values()) == pytest.approx(1)


def test_what_the_networks_agree_on_is_proven_though_their_scales_differ():
    """Each network has its own scale, so that distances differ by 40 %; the steps are compared network by network."""
    scales = [rows(tuple(scale * d for d in (3, 60, 61, 62, 100))) for scale in (0.8, 1.0, 1.2)]
    assert blame(scales, "attributes", {}).shares["prior"] == pytest.approx(0.36)
    opposed = [rows((3, 60, 61, 62, far)) for far in (70, 100, 62)]
    assert "prior" not in blame(opposed, "attributes", {}).shares


def test_distances_within_chance_of_nothing_are_about_0():
    said = blame([rows((-0.24, 60, 61, 62, 500))], "attributes", {})
    assert "real train images about 0" in said.sentence and "0.24" not in said.sentence
    assert "about 0" not in blame([rows((30, 60, 61, 62, 500))], "attributes", {}).sentence


def test_an_empty_code_is_the_encoders_fault_whatever_the_distances():
    found = blame([rows((3, 600, 1000, 800, 800), diversity=(1.0, 0.5, 0.01, 0.1, 0.1))], "attributes", {})
    assert found.name == "encoder" and "0.010 times as diverse" in found.sentence


def test_steps_within_chance_are_not_proven():
    found = blame([rows((3, 60, 61, 62, 63), half=4)], "attributes", {})
    assert set(found.shares) == {"decoder", "unproven"} and found.shares["decoder"] == pytest.approx(60 / 61)


def test_interpolations_tell_holes():
    assert (
        "the codes have holes between images"
        in blame([rows((3, 60, 61, 62, 63), between=120)], "attributes", {}).evidence[1]
    )
    assert "no sign of holes" in blame([rows((3, 60, 61, 62, 63), between=65)], "attributes", {}).evidence[1]


def test_crowding_is_not_taken_for_quality():
    table = rows((3, 60, 61, 62, 500))
    table["prior"]["density"] = Estimate(1.6, 1.5, 1.7, 500)
    assert "crowd in the middle" in blame([table], "attributes", {}).evidence[-1]


def test_a_missing_source_gives_its_reason():
    table = rows((3, 60, 61, 62, 500))
    del table["prior"]
    found = blame([table], "attributes", {"prior": "7 of 500 decoded images hold NaN pixels."})
    assert found.name == "not judged" and found.sentence.endswith("7 of 500 decoded images hold NaN pixels.")
    assert modes(table) is None


def test_modes():
    assert modes(rows((3, 60, 61, 62, 63)))[0] == "none"
    assert modes(rows((3, 60, 61, 62, 63), diversity=(1, 1, 1, 1, 0.3)))[0] == "collapse"
    table = rows((3, 60, 61, 62, 63))
    table["prior"]["recall"] = Estimate(0.1, 0.05, 0.2, 500)
    name, sentence = modes(table)
    assert name == "missing" and "come near 10 % [5, 20] of them" in sentence


def test_a_handful_of_images_blames_nobody():
    for n, judged in ((19, False), (20, True)):
        table = rows((3, 60, 61, 70, 500), n=n)
        assert (blame([table], "attributes", {}).name == "prior") is judged
        assert (modes(table) is not None) is judged
    said = blame([rows((3, 60, 61, 70, 500), n=1)], "attributes", {}).sentence
    assert said.endswith("it needs 20 images of each set, and there is 1.")
