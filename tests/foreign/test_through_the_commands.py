"""Through the command line every style gives the numbers of the same weights in vaekit's own network."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Workplace
from tests.foreign.conftest import CROP
from tests.foreign.styles import SIZE, STYLES, Z, write
from vaekit.artifacts import PER_IMAGE, read_table
from vaekit.checkpoint import Checkpoint, save_checkpoint
from vaekit.config import RunConfig
from vaekit.models.base import VAE


def flags(path, options) -> list[str]:
    """Return how a user names the model."""
    said = options.model_dump(exclude_none=True, exclude_defaults=True)
    words = [(f"--{k.replace('_', '-')}", json.dumps(v) if isinstance(v, dict) else v) for k, v in said.items()]
    return [str(path), *(word for pair in words for word in pair)]


def save(place: Workplace, net: VAE, output: str, data: Path) -> None:
    """Write the network as a run of vaekit's own."""
    model = {"name": "conv", "channels": [8, 16], "latent_dim": Z, "output": output}
    settings = {"model": model, "data": {"image_size": SIZE, "crop": CROP, "source": str(data)}}
    facts = {"name": "faces", "protocol": "", "fingerprint": ""}
    path = place.folder / "checkpoints" / output / "best.pt"
    save_checkpoint(path, Checkpoint(net, RunConfig.parse(settings, "test"), output, facts, 0, 0, [], [], {}))


@pytest.fixture(scope="module")
def own(trained, forty, tmp_path_factory):
    """A workplace, and what vaekit's own networks are found to be on 40 test images, by output."""
    place, found = Workplace(tmp_path_factory.mktemp("own")), {}
    for output in ("sigmoid", "tanh"):
        save(place, trained(output), output, forty)
        found[output] = place.json("evaluate", f"checkpoints/{output}/best.pt", "--device", "cpu")
    return place, found


@pytest.mark.parametrize("name", STYLES)
def test_every_style_is_evaluated_to_the_numbers_of_the_same_weights_in_our_own_network(name, trained, own, forty):
    (place, found), output = own, STYLES[name].output
    path, options = write(place.folder / name, STYLES[name], trained(output))
    said = ("--data", forty, "--crop", CROP, "--range", "-1,1" if output == "tanh" else "0,1", "--device", "cpu")
    theirs, ours = place.json("evaluate", *flags(path, options), *said, "--image-size", SIZE), found[output]
    unknown = "last encode left" if name == "stateful" else "objective unknown"
    for key, row in [*ours["metrics"].items(), *ours["estimates"].items()]:
        its = (theirs["metrics"] | theirs["estimates"]).get(key, {"value": None, "reason": unknown})
        if row["value"] is not None and its["value"] is None:
            assert unknown in its["reason"] or "objective unknown" in its["reason"], key
        elif row["value"] is not None:
            # Samples are judged as 8-bit pictures, and their codes are fitted: a last digit tips single grey levels.
            digits = 1e-5 if key.endswith("_aggregate") else 1e-6
            assert its["value"] == pytest.approx(row["value"], rel=digits, abs=1e-9), key
    tables = [read_table(place.folder / facts["folder"] / PER_IMAGE) for facts in (theirs, ours)]
    assert len(tables[0]) == 40
    for column in tables[0].select_dtypes(float).dropna(axis="columns", how="all"):  # an unknown loss has no numbers
        largest = max(1, tables[1][column].abs().max())  # one image's bound is a small difference of large numbers
        np.testing.assert_allclose(tables[0][column], tables[1][column], rtol=0, atol=1e-6 * largest, err_msg=column)


def test_the_doctor_says_what_it_found_and_writes_it_down(trained, faces, tmp_path):
    path, options = write(tmp_path / "theirs", STYLES["tanh"], trained("tanh"))
    place = Workplace(tmp_path)
    said = ("--data", faces, "--crop", CROP, "--device", "cpu")
    found = place.json("doctor", *flags(path, options), *said, "--range", "-1,1", "--write", "adapter.py")
    assert found["mistakes"] == 0 and {"Posterior", "Reconstruction", "Limits"} <= {
        f["question"] for f in found["findings"]
    }
    again = place.json("doctor", path, "--adapter", "adapter.py", "--data", faces, "--device", "cpu")
    ratio = [next(f["answer"] for f in d["findings"] if f["question"] == "Reconstruction") for d in (found, again)]
    assert ratio[0] == ratio[1]
    wrong = place.vaekit("doctor", *flags(path, options), *said, "--range", "0,1")
    assert "MISTAKE  Range: [0,1] was given" in wrong.stdout
