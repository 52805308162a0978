import numpy as np
import pytest
from PIL import Image

from tests.exploration.waves import linear_model
from vaekit.data import Protocol, load_image
from vaekit.errors import DataError
from vaekit.exploration.reconstruct import reconstruct

PROTOCOL = Protocol(178, 64)


@pytest.fixture(scope="module")
def portrait():
    """A smooth picture of CelebA's size, its left brighter than its right, its top brighter than its bottom."""
    y, x = np.mgrid[0:218, 0:178]
    return Image.fromarray(np.stack([200 - x * 0.6, 190 - y * 0.5, 90 + 0 * x], -1).astype(np.uint8))


@pytest.fixture
def save(tmp_path):
    def save(image, name, **options):
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def run(files, protocol=PROTOCOL):
    return reconstruct("run", linear_model(), files, protocol, made_by={})


def test_mse_and_kl_are_those_of_the_model(portrait, save):
    import torch

    model, found = linear_model(), run([save(portrait, "a.png")])
    x = torch.tensor(found.x[0]).permute(2, 0, 1)[None].double() / 255
    posterior = model.encode(x.float())
    x_hat = model.decode(posterior.mu).mean.double()
    assert found.table["mse"][0] == pytest.approx(((x - x_hat) ** 2).mean().item(), rel=1e-5)
    assert found.table["kl"][0] == pytest.approx(posterior.kl().item(), rel=1e-6)


def test_every_size_and_mode_shows_the_same_face(portrait, save):
    large = portrait.resize((890, 1090), Image.Resampling.LANCZOS)
    turned = portrait.rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    transparent = portrait.convert("RGBA")
    files = [
        save(portrait, "same.png"),
        save(large, "large.png"),
        save(portrait, "it is a photo.jpeg", quality=95),
        save(turned, "turned.jpg", exif=exif, quality=95),
        save(transparent, "rgba.png"),
        save(portrait.convert("CMYK"), "cmyk.jpg", quality=95),
    ]
    found = run(files)
    assert found.x.shape == found.x_hat.shape == (6, 64, 64, 3)
    for other in found.x[1:]:
        assert np.abs(other.astype(int) - found.x[0].astype(int)).mean() < 4
    assert (found.x[0] == load_image(files[0], PROTOCOL)).all()


def test_grey_is_repeated_over_the_channels(portrait, save):
    found = run([save(portrait.convert("L"), "grey.png")])
    assert (found.x[..., 0] == found.x[..., 1]).all() and (found.x[..., 0] == found.x[..., 2]).all()


def test_what_can_not_be_read_is_listed_and_the_rest_is_done(portrait, save, tmp_path):
    good = save(portrait, "good.png")
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:400])
    found = run([tmp_path / "text.jpg", good, tmp_path / "cut.png", tmp_path / "gone.png"])
    assert found.table["file"].tolist() == [str(good)] and len(found.x) == 1
    assert [*found.unreadable] == [str(tmp_path / name) for name in ("text.jpg", "cut.png", "gone.png")]
    assert sum("Left out" in sentence for sentence in found.sentences) == 3
    assert "the file is gone" in found.unreadable[str(tmp_path / "gone.png")]


def test_nothing_readable_is_an_error(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.jpg can not be decoded"):
        run([tmp_path / "text.jpg"])


def test_originals_stand_above_their_reconstructions(portrait, save):
    found = run([save(portrait, "a.png")])
    picture = np.asarray(found.picture)
    assert (picture[:128] == found.x[0].repeat(2, 0).repeat(2, 1)).all()
    assert (picture[128:] == found.x_hat[0].repeat(2, 0).repeat(2, 1)).all()
    assert "data:image/png" in found._repr_html_() and "<table" in found._repr_html_()
    assert "a.png" in str(found)


def test_a_picture_too_large_to_be_true_is_refused(save, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="can not be decoded"):
        run([save(Image.new("RGB", (200, 200)), "bomb.png")])
