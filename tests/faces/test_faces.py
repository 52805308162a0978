"""The drawn faces: the population they come from, the pixels they show, and the layout they are written in."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vaekit.errors import DataError
from vaekit.faces import ATTRIBUTES, NOT_DRAWN, Plant, draw_face, write_faces
from vaekit.faces.attributes import COLUMN, EXCLUSIVE, HIDES
from vaekit.faces.dataset import encode
from vaekit.faces.population import PICTURES_PER_PERSON, draw_sitter, person_of, split_of
from vaekit.faces.statistics import load_statistics, measure, tetrachoric

PEOPLE = 3000


def _population(law: str) -> tuple[np.ndarray, pd.DataFrame]:
    """Attributes (n, k) and factors of one picture of each of `PEOPLE` people: independent draws."""
    indices = [40 * block + place for block in range(PEOPLE // 10) for place in range(10)]
    sitters = [draw_sitter(0, index, law) for index in indices]
    return np.array([list(s.attributes.values()) for s in sitters]), pd.DataFrame([s.factors for s in sitters])


@pytest.fixture(scope="module")
def celeba() -> tuple[np.ndarray, pd.DataFrame]:
    return _population("celeba")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("drawn") / "faces", 60, seed=3)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.stack([draw_face(5, 40 * (i // 10) + i % 10).image for i in range(120)]) / 255


def _small(image: np.ndarray) -> np.ndarray:
    """(64, 64, 3) of the centred square of 178 pixels."""
    return np.asarray(Image.fromarray(image[20:198]).resize((64, 64), Image.Resampling.BILINEAR), float)


# --- the population


def test_attributes_are_celebas_own_in_its_order() -> None:
    assert len(ATTRIBUTES) >= 34
    assert len(ATTRIBUTES) + len(NOT_DRAWN) == 40
    assert list(ATTRIBUTES) == sorted(ATTRIBUTES)
    assert not set(ATTRIBUTES) & set(NOT_DRAWN)


def test_base_rates_are_celebas_within_four_standard_errors(celeba: tuple[np.ndarray, pd.DataFrame]) -> None:
    rates, wanted = celeba[0].mean(axis=0), load_statistics().rates
    tolerance = 4 * np.sqrt(wanted * (1 - wanted) / PEOPLE) + 0.008  # and what the fitted copula leaves over
    assert {
        name: (got, want)
        for name, got, want, t in zip(ATTRIBUTES, rates, wanted, tolerance, strict=True)
        if abs(got - want) > t
    } == {}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Male", "Heavy_Makeup"),
        ("Male", "No_Beard"),
        ("Smiling", "High_Cheekbones"),
        ("Gray_Hair", "Young"),
        ("Male", "Wearing_Lipstick"),
        ("Smiling", "Mouth_Slightly_Open"),
        ("Chubby", "Double_Chin"),
        ("Male", "Goatee"),
    ],
)
def test_main_correlations_have_celebas_sign_and_size(
    celeba: tuple[np.ndarray, pd.DataFrame], first: str, second: str
) -> None:
    drawn = np.corrcoef(celeba[0][:, COLUMN[first]], celeba[0][:, COLUMN[second]])[0, 1]
    assert drawn == pytest.approx(load_statistics().correlations[COLUMN[first], COLUMN[second]], abs=0.1)


def test_all_correlations_are_close(celeba: tuple[np.ndarray, pd.DataFrame]) -> None:
    upper = np.triu_indices(len(ATTRIBUTES), 1)
    error = (np.corrcoef(celeba[0].T) - load_statistics().correlations)[upper]
    assert np.sqrt((error**2).mean()) < 0.03


def test_no_face_shows_what_excludes_each_other(celeba: tuple[np.ndarray, pd.DataFrame]) -> None:
    shown = celeba[0]
    for group in EXCLUSIVE:
        assert shown[:, [COLUMN[name] for name in group]].sum(axis=1).max() <= 1
    for cover, hidden in HIDES:
        assert not shown[shown[:, COLUMN[cover]]][:, [COLUMN[name] for name in hidden]].any()


def test_independent_factors_are_uncorrelated() -> None:
    shown, factors = _population("independent")
    # Beards, fringes, bald heads and hats exclude one another however they are drawn.
    excluding = "facial_hair bangs baldness hairline sleekness wave moustache goatee sideburns hat necklace necktie"
    styled = "skin_tone pallor hair_lightness hair_redness hair_length hair_tied sunglasses occluder planted"
    tied = [column for column in factors if column not in (*excluding.split(), *styled.split())]
    correlations = np.corrcoef(factors[tied].to_numpy().T) - np.eye(len(tied))
    assert len(tied) > 40
    assert np.abs(correlations).max() < 5 / np.sqrt(PEOPLE)
    assert np.corrcoef(shown[:, COLUMN["Male"]], shown[:, COLUMN["Heavy_Makeup"]])[0, 1] == pytest.approx(0, abs=0.06)


def test_a_persons_pictures_share_the_person_and_the_split() -> None:
    groups: dict[int, list[int]] = {}
    for index in range(80):
        groups.setdefault(person_of(index), []).append(index)
    assert {len(group) for group in groups.values()} == {PICTURES_PER_PERSON}
    for group in groups.values():
        sitters = [draw_sitter(0, index, "celeba") for index in group]
        assert len({(s.attributes["Male"], s.factors["eye_hue"], s.factors["face_width"]) for s in sitters}) == 1
        assert len({s.factors["yaw"] for s in sitters}) == len(group)
        assert len({split_of(index) for index in group}) == 1
    splits = [split_of(index) for index in range(400)]
    assert [splits.count(split) for split in (0, 1, 2)] == [320, 40, 40]


def test_tetrachoric_recovers_a_known_correlation() -> None:
    normals = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 200_000)
    shown = normals > [0.5, -0.8]
    rates, phi = np.full(len(ATTRIBUTES), 0.5), np.eye(len(ATTRIBUTES))
    rates[:2], phi[0, 1] = shown.mean(axis=0), np.corrcoef(shown.T)[0, 1]
    assert tetrachoric(rates, phi)[0, 1] == pytest.approx(0.6, abs=0.02)


def test_statistics_can_be_measured_again(tmp_path: Path, celeba: tuple[np.ndarray, pd.DataFrame]) -> None:
    rows = [f"{i:06d}.jpg " + " ".join("1" if a else "-1" for a in row) for i, row in enumerate(celeba[0])]
    listing = tmp_path / "list_attr_celeba.txt"
    listing.write_text("\r\n".join([str(len(rows)), " ".join(ATTRIBUTES) + " ", *rows]) + "\r\n")
    again = measure(listing, rounds=3, draws=20_000)
    np.testing.assert_allclose(again.rates, celeba[0].mean(axis=0))
    # Rare pairs settle slowly: over a few rounds only the bulk of the matrix is back.
    assert np.median(np.abs(again.latent - load_statistics().latent)) < 0.05


# --- the pixels


def test_same_seed_and_index_give_the_same_bytes() -> None:
    assert encode(draw_face(1, 17)) == encode(draw_face(1, 17))
    assert encode(draw_face(1, 17)) != encode(draw_face(2, 17))
    assert encode(draw_face(1, 17)) != encode(draw_face(1, 18))


# The square (top, bottom, left, right at 64 pixels) where an attribute shows, and the least mean difference in it of a
# face with and without the attribute, in display levels.
REGIONS = {
    "Eyeglasses": ((26, 42, 12, 52), 8),
    "Smiling": ((42, 54, 20, 44), 4),
    "Mouth_Slightly_Open": ((44, 54, 22, 42), 5),
    "Wearing_Hat": ((2, 22, 12, 52), 20),
    "Bangs": ((14, 30, 18, 46), 15),
    "Bald": ((4, 22, 14, 50), 20),
    "Wearing_Lipstick": ((44, 54, 24, 40), 2),
    "Goatee": ((50, 62, 22, 42), 10),
    "Mustache": ((42, 50, 22, 42), 6),
    "5_o_Clock_Shadow": ((42, 60, 16, 48), 6),
    "Blond_Hair": ((4, 30, 10, 54), 15),
    "Gray_Hair": ((4, 30, 10, 54), 15),
    "Wearing_Necktie": ((58, 64, 20, 44), 8),
    "Wearing_Necklace": ((54, 64, 16, 48), 4),
    "Pale_Skin": ((20, 56, 18, 46), 10),
    "Rosy_Cheeks": ((36, 48, 12, 52), 1.2),
    "Heavy_Makeup": ((26, 38, 14, 50), 3),
    "Blurry": ((16, 56, 12, 52), 6),
    "Narrow_Eyes": ((30, 38, 16, 48), 1.5),
    "Bushy_Eyebrows": ((24, 34, 14, 50), 3),
    "Arched_Eyebrows": ((22, 34, 14, 50), 1.5),
    "Bags_Under_Eyes": ((34, 42, 14, 50), 2),
    "Big_Nose": ((34, 48, 22, 42), 1.5),
    "Pointy_Nose": ((34, 48, 22, 42), 1.0),
    "Big_Lips": ((42, 56, 22, 42), 1.5),
    "High_Cheekbones": ((34, 54, 12, 52), 1.5),
    "Double_Chin": ((54, 64, 14, 50), 3),
    "Chubby": ((30, 62, 8, 56), 6),
    "Oval_Face": ((40, 62, 8, 56), 2.5),
    "Young": ((16, 56, 14, 50), 1.0),
    "Wavy_Hair": ((4, 50, 4, 60), 4),
    "Straight_Hair": ((4, 50, 4, 60), 3),
    "Receding_Hairline": ((10, 28, 14, 50), 5),
    "Wearing_Earrings": ((36, 56, 6, 58), 2),
    "Sideburns": ((26, 46, 8, 56), 5),
    "No_Beard": ((42, 62, 14, 50), 8),
    "Black_Hair": ((4, 30, 10, 54), 3),
    "Brown_Hair": ((4, 30, 10, 54), 3),
    "Male": ((4, 60, 6, 58), 5),
}


def test_every_attribute_has_a_region() -> None:
    assert set(REGIONS) == set(ATTRIBUTES)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_an_attribute_shows_at_64_pixels(attribute: str) -> None:
    (top, bottom, left, right), floor = REGIONS[attribute]
    differences = []
    for index in range(0, 400, 11):
        on, off = (draw_face(11, index, force={attribute: wanted}) for wanted in (True, False))
        if on.attributes[attribute] and not off.attributes[attribute] and off.factors["blur"] < 0.5:
            differences.append(np.abs(_small(on.image) - _small(off.image))[top:bottom, left:right].mean())
        if len(differences) == 4:
            break
    assert np.median(differences) > floor


def test_forcing_an_attribute_leaves_the_scenery_alone() -> None:
    on, off = (draw_face(11, 3, force={"Smiling": wanted}) for wanted in (True, False))
    np.testing.assert_array_equal(on.image[:40], off.image[:40])


def test_pixel_statistics_are_near_celebas(pictures: np.ndarray) -> None:
    # CelebA: mean .506 .426 .383, variance .096 .084 .084 per channel.
    np.testing.assert_allclose(pictures.mean(axis=(0, 1, 2)), [0.506, 0.426, 0.383], atol=0.06)
    np.testing.assert_allclose(pictures.var(axis=(0, 1, 2)), [0.096, 0.084, 0.084], atol=0.025)


def test_eyes_lie_where_celebas_do(pictures: np.ndarray) -> None:
    dark = pictures.mean(axis=(0, 3))[104:120]
    left, right = dark[:, 52:84], dark[:, 94:126]
    assert abs(int(left.min(axis=0).argmin()) + 52 - 68) <= 4
    assert abs(int(right.min(axis=0).argmin()) + 94 - 109) <= 4


# --- planting


def test_a_plant_shows_at_its_rate_and_leaves_the_others_as_they_were() -> None:
    plain = [draw_face(4, index) for index in range(40)]
    for kind in ("occluder", "texture", "blur"):
        faces = [draw_face(4, index, plant=Plant(kind, 0.3)) for index in range(40)]
        planted = np.array([face.factors["planted"] for face in faces])
        assert planted.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 40))
        for face, before, is_planted in zip(faces, plain, planted, strict=True):
            assert (encode(face) == encode(before)) == (not is_planted)
            if is_planted and kind == "occluder":
                assert face.factors["occluder"] > 0.1
            if is_planted and kind == "blur":
                assert face.attributes["Blurry"]
    assert all(face.factors["planted"] == 0 for face in plain)


def test_plant_parses_what_the_command_line_gives() -> None:
    assert Plant.parse("occluder:0.03") == Plant("occluder", 0.03)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("occluder", "has no rate"),
        ("occluder:lots", "'lots' is no number"),
        ("moustache:0.1", "one of occluder, texture, blur"),
        ("blur:1.5", "from 0 to 1"),
        ("blur:nan", "from 0 to 1"),
    ],
)
def test_plant_refuses_nonsense(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Plant.parse(text)


# --- the layout


def test_the_layout_parses_and_agrees_with_draw_face(written: Path) -> None:
    names = [f"{i:06d}.jpg" for i in range(1, 61)]
    assert sorted(path.name for path in (written / "img_align_celeba").iterdir()) == names
    lines = (written / "list_attr_celeba.txt").read_text().splitlines()
    assert lines[0] == "60"
    assert lines[1].split() == list(ATTRIBUTES)
    table = pd.read_csv(written / "list_attr_celeba.txt", sep=r"\s+", skiprows=1)
    assert list(table.index) == names
    assert set(np.unique(table.to_numpy())) == {-1, 1}
    partition = pd.read_csv(written / "list_eval_partition.txt", sep=" ", header=None, index_col=0)[1]
    identity = pd.read_csv(written / "identity_CelebA.txt", sep=" ", header=None, index_col=0)[1]
    factors = pd.read_csv(written / "factors.csv", dtype={"image_id": str}).set_index("image_id")
    for index in (0, 7, 59):
        face = draw_face(3, index)
        assert (written / "img_align_celeba" / names[index]).read_bytes() == encode(face)
        assert (table.loc[names[index]] > 0).to_dict() == face.attributes
        assert factors.loc[f"{index + 1:06d}"].to_dict() == pytest.approx(face.factors, rel=1e-4, abs=1e-6)
        assert partition[names[index]] == split_of(index)
        assert identity[names[index]] == person_of(index) + 1
    with Image.open(written / "img_align_celeba" / names[0]) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (178, 218), "RGB")
    assert factors["planted"].dtype.kind == "i"
    assert "drawn" in (written / "README.txt").read_text()


def test_bytes_do_not_depend_on_count_or_workers(tmp_path: Path, written: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    other = write_faces(tmp_path / "two", 52, seed=3, workers=2, progress=lambda *step: seen.append(step))
    for path in (other / "img_align_celeba").iterdir():
        assert path.read_bytes() == (written / "img_align_celeba" / path.name).read_bytes()
    assert seen[-1] == ("faces", 52, 52)


def test_the_same_request_draws_nothing_again(written: Path) -> None:
    before = (written / "factors.csv").stat().st_mtime_ns
    assert write_faces(written, 60, seed=3) == written
    assert (written / "factors.csv").stat().st_mtime_ns == before


def test_a_folder_of_something_else_is_refused(tmp_path: Path, written: Path) -> None:
    with pytest.raises(DataError, match=r"holds other drawn faces: count=60 instead of 61.*delete it"):
        write_faces(written, 61, seed=3)
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds no drawn faces \(no readable faces.json\).*another folder"):
        write_faces(tmp_path, 5)
    assert json.loads((written / "faces.json").read_text())["count"] == 60


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_faces(tmp_path / "faces", 2, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"count": 0}, "Can not draw 0 faces: expected a number from 1"),
        ({"count": 5, "workers": 0}, "0 workers: expected 1"),
        ({"count": 5, "factors": "magic"}, "'magic': expected one of celeba, independent"),
        ({"count": 5, "seed": -1}, "seed -1"),
    ],
)
def test_impossible_requests_are_refused(tmp_path: Path, request_: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_faces(tmp_path / "faces", **request_)


def test_draw_face_refuses_what_it_can_not_draw() -> None:
    with pytest.raises(DataError, match="face -1 of seed 0"):
        draw_face(0, -1)
    with pytest.raises(DataError, match="'normal': expected one of"):
        draw_face(0, 0, factors="normal")  # type: ignore[arg-type]  # the wrong name is the test
