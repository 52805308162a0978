"""The judge learns what is plain to see, says the same in any order and batch, and is kept, or taught again aloud."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.judge.conftest import plates, prepared_from
from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.faces import draw_face
from vaekit.judge import learning, open_judge, opening, seen_rows
from vaekit.judge.networks import AttributeNetwork, at_judged_size

TOLERANCE = {"rtol": 1e-4, "atol": 5e-4}  # of a standard deviation: whitening magnifies float32 rounding


def test_learns_what_is_plain_to_see_and_says_what_it_can_not_judge(taught):
    assert taught.name == "attributes" and taught.attributes == ("Band", "Dot")
    scores = taught.scores.set_index("attribute")
    assert scores.loc[["Band", "Dot"], "auroc"].min() > 0.99
    assert "positives" in scores.loc["Rare", "reason"] and "one class" in scores.loc["Untested", "reason"]
    assert (
        f"taught 2 attributes on {280 - 13} train images" in taught.sentence or "taught 2 attributes" in taught.sentence
    )


def test_thresholds_reproduce_the_rates_of_valid(taught, seen_plates):
    rows = seen_plates.rows("valid")
    said = (taught.judge(seen_plates.images[rows]).probabilities > taught.thresholds[:, None]).mean(1)
    true = seen_plates.attribute_table(rows)[list(taught.attributes)].mean().to_numpy()
    np.testing.assert_allclose(said, np.tile(true, (3, 1)), atol=1e-9)


def test_features_have_mean_0_and_covariance_1_on_the_seen_half(taught, seen_plates):
    features = taught.judge(seen_plates.images[seen_rows(seen_plates)]).features
    assert features.shape[::2] == (3, taught.feature_dim) and features.dtype == np.float32
    for of_one in features:
        np.testing.assert_allclose(of_one.mean(0), 0, atol=1e-3)
        np.testing.assert_allclose(np.cov(of_one.T), np.eye(taught.feature_dim), atol=1e-2)


def test_batch_size_and_order_do_not_matter(taught, seen_plates):
    images = seen_plates.images[:50]
    whole, parts = taught.judge(images), taught.judge(images, batch_size=7)
    order = np.random.default_rng(0).permutation(50)
    shuffled = taught.judge(images[order])
    for name in ("features", "probabilities"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), **TOLERANCE)
        np.testing.assert_allclose(getattr(shuffled, name), getattr(whole, name)[:, order], **TOLERANCE)


def test_learns_hats_from_drawn_faces(tmp_path, monkeypatch):
    """Every second face is made to wear a hat: about 40 of either kind are in the seen half."""
    monkeypatch.setattr(learning, "PASSES", 1500)
    labels = np.arange(220) % 2
    faces = [draw_face(5, i, force={"Wearing_Hat": bool(hat)}) for i, hat in enumerate(labels)]
    images = np.stack([face.image[20:198:2, ::2][12:76, 12:76] for face in faces])
    labels = np.array([face.attributes["Wearing_Hat"] for face in faces], int)
    splits = np.repeat(["train", "valid", "test"], [150, 30, 40])
    judge = open_judge(prepared_from(tmp_path, images, {"Wearing_Hat": labels}, splits))
    assert judge.scores["auroc"][0] > 0.9


@pytest.fixture
def briefly(monkeypatch):
    """A budget of a few steps, for what does not depend on what was learned; counts how often a judge was taught."""
    monkeypatch.setattr(learning, "MOST_EPOCHS", 1)
    taught = []
    real = opening.teach
    monkeypatch.setattr(opening, "teach", lambda *a, **k: taught.append(1) or real(*a, **k))
    return taught


def files(prepared):
    return [(prepared.folder / name).read_bytes() for name in (artifacts.JUDGE, artifacts.JUDGE_SCORES)]


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(tmp_path, briefly):
    one, two, other = (plates(tmp_path / name) for name in ("one", "two", "other"))
    open_judge(one)
    open_judge(two)
    open_judge(other, seed=1)
    assert files(one) == files(two) and files(one)[0] != files(other)[0]
    assert str(tmp_path) not in files(one)[1].decode()


def test_a_kept_judge_is_taken_as_it_is(tmp_path, briefly):
    prepared = plates(tmp_path)
    first = open_judge(prepared)
    kept = files(prepared)
    second = open_judge(prepared)
    assert len(briefly) == 3 and files(prepared) == kept and second.notes == ()
    a, b = first.judge(prepared.images[:9]), second.judge(prepared.images[:9])
    assert a.features.tobytes() == b.features.tobytes() and a.probabilities.tobytes() == b.probabilities.tobytes()
    assert first.thresholds.tobytes() == second.thresholds.tobytes() and first.sentence == second.sentence
    assert first.scores.equals(second.scores)


def change(path, **facts):
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


STALE = {
    "other code": (lambda w, s: change(s, code="0.0.1"), "made by code 0.0.1"),
    "other labels": (lambda w, s: change(s, labels="old"), "made by labels old"),
    "other images": (lambda w, s: change(s, fingerprint="old"), "made by fingerprint old"),
    "no weights": (lambda w, s: w.unlink(), "is broken"),
    "no scores": (lambda w, s: s.unlink(), "is broken"),
    "truncated weights": (lambda w, s: w.write_bytes(w.read_bytes()[:1000]), "is not the file that judge.json names"),
    "scores that are no JSON": (lambda w, s: s.write_text("{"), "is broken"),
    "scores that lack facts": (lambda w, s: s.write_text("{}"), "is broken"),
}


@pytest.mark.parametrize("spoil", STALE)
def test_a_stale_or_broken_judge_is_taught_again_and_said(tmp_path, briefly, spoil):
    prepared = plates(tmp_path)
    open_judge(prepared)
    kept = files(prepared)
    how, says = STALE[spoil]
    how(prepared.folder / artifacts.JUDGE, prepared.folder / artifacts.JUDGE_SCORES)
    judge = open_judge(prepared)
    assert len(briefly) == 6 and len(judge.notes) == 1
    assert says in judge.notes[0] and judge.notes[0].endswith("taught again.")
    assert files(prepared) == kept


def test_another_seed_is_another_judge(tmp_path, briefly):
    prepared = plates(tmp_path)
    open_judge(prepared)
    assert "made by seed 0, not 1" in open_judge(prepared, seed=1).notes[0]


def test_weights_of_another_network_are_not_taken(tmp_path, briefly):
    prepared = plates(tmp_path)
    open_judge(prepared)
    path = prepared.folder / artifacts.JUDGE
    torch.save({f"0.{k}": v for k, v in AttributeNetwork(7, 48).state_dict().items()}, path)
    change(prepared.folder / artifacts.JUDGE_SCORES, weights_sha256=artifacts.file_hash(path))
    assert "is broken (Error(s) in loading state_dict" in open_judge(prepared).notes[0]


def test_a_folder_that_can_not_be_written_keeps_nothing_and_says_so(tmp_path, briefly):
    prepared = plates(tmp_path)
    (tmp_path / "file").write_text("")
    judge = open_judge(replace(prepared, folder=tmp_path / "file" / "below"))
    assert "could not be kept" in judge.notes[0] and judge.name == "attributes"


@pytest.mark.parametrize("attributes", [(), ("Rare",)])
def test_without_attributes_to_learn_the_judge_is_random_fixed_and_said_so(seen_plates, attributes):
    bare = replace(seen_plates, attributes=attributes)
    one, two, other = open_judge(bare), open_judge(bare), open_judge(bare, seed=1)
    assert one.name == "random" and one.attributes == () and "nothing learned" in one.sentence
    assert len(one.scores) == len(attributes)
    images = seen_plates.images[:30]
    a, b, c = one.judge(images), two.judge(images), other.judge(images)
    assert a.features.tobytes() == b.features.tobytes() and not np.allclose(a.features, c.features)
    assert a.probabilities.shape == (3, 30, 0) and a.features.shape == (3, 30, one.feature_dim)


def test_no_train_image_is_one_sentence(tmp_path):
    prepared = plates(tmp_path)
    empty = replace(prepared, index=prepared.index.assign(split="test"))
    with pytest.raises(DataError, match=r"has 0 train images and none in the half .* --limit"):
        open_judge(empty)


def test_images_that_are_all_alike_are_one_sentence_and_two_pictures_blow_nothing_up(seen_plates):
    alike = replace(seen_plates, attributes=(), images=np.full_like(seen_plates.images, 90))
    with pytest.raises(
        DataError, match=r"can not make a judge: the train images that it may see \(\d+\) are all alike"
    ):
        open_judge(alike)
    alike.images[::2] = 180  # they differ in one direction: no other is stretched to a variance of 1
    judge = open_judge(alike)
    assert np.abs(judge.judge(seen_plates.images[:30]).features).max() < 1e4
    assert (np.ptp(judge.judge(alike.images[:2]).features, axis=1) > 0.5).sum() == len(judge.networks)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (np.zeros((1, 64, 64, 3), np.uint8), "at least 2"),
        (np.zeros((0, 64, 64, 3), np.uint8), "at least 2"),
        (np.full((2, 64, 64, 3), np.nan, np.float32), "uint8 images and got float32"),
        (np.zeros((2, 3, 64, 64), np.uint8), r"\(N, H, W, C\) and got the shape \(2, 3, 64, 64\)"),
        (np.zeros((64, 64, 3), np.uint8), r"got the shape \(64, 64, 3\)"),
    ],
)
def test_bad_images_are_one_sentence(taught, images, says):
    with pytest.raises(DataError, match=says):
        taught.judge(images)


def test_other_sizes_are_filtered_before_they_are_sampled():
    """A checkerboard of single pixels at 128 is grey at 64: without the filter it would stay black or white."""
    board = np.indices((128, 128)).sum(0) % 2 * 255
    pixels = at_judged_size(torch.from_numpy(np.repeat(board[None, :, :, None], 3, 3).astype(np.uint8)))
    assert pixels.shape == (1, 3, 64, 64) and pixels.dtype == torch.uint8
    inner = pixels[..., 1:-1, 1:-1].float()
    assert inner.min() >= 120 and inner.max() <= 135
    flat = at_judged_size(torch.full((1, 32, 32, 3), 77, dtype=torch.uint8))
    assert (flat == 77).all() and flat.shape == (1, 3, 64, 64)


def test_images_of_64_pixels_are_seen_as_they_are(seen_plates):
    images = seen_plates.images[:3]
    assert np.array_equal(at_judged_size(torch.from_numpy(images.copy())).permute(0, 2, 3, 1).numpy(), images)


def test_grey_and_oblong_images_are_seen_as_their_colour_and_square_likes(taught, seen_plates):
    grey = seen_plates.images[:4, :, :, :1]
    colour = taught.judge(np.repeat(grey, 3, 3))
    assert taught.judge(grey).features.tobytes() == colour.features.tobytes()
    ramp = np.linspace(0, 255, 128).astype(np.uint8)[None, None, :, None].repeat(64, 1)  # (1, 64, 128, 1)
    square = at_judged_size(torch.from_numpy(ramp))
    assert square.shape == (1, 3, 64, 64)
    assert np.abs(square[0, 0, 0].numpy() - np.linspace(0, 255, 64)).max() <= 2
    assert taught.judge(np.repeat(ramp, 2, axis=0)).features.shape == (3, 2, taught.feature_dim)


def test_the_networks_are_of_other_seeds_and_the_identity_is_that_of_their_weights(tmp_path, briefly):
    prepared = plates(tmp_path)
    judge = open_judge(prepared)
    features = judge.judge(prepared.images[:9]).features
    assert len(judge.networks) == 3 and not np.allclose(features[0], features[1])
    assert open_judge(prepared).identity == judge.identity != open_judge(prepared, seed=1).identity


def test_other_attributes_of_the_same_images_are_another_judge(tmp_path, briefly):
    prepared = plates(tmp_path)
    open_judge(prepared)
    turned = prepared.index.assign(Dot=1 - prepared.index["Dot"])
    assert "was made by labels" in open_judge(replace(prepared, index=turned)).notes[0]
