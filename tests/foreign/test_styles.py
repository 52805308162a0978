"""The styles themselves: each holds the network's weights, every one of them in its place."""

import pytest
import torch

from tests.foreign.styles import STYLES, network, write


@pytest.mark.parametrize("name", STYLES)
def test_each_style_is_written_with_the_networks_weights(name, tmp_path):
    style = STYLES[name]
    net = network(style.output)
    path, options = write(tmp_path, style, net)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    count = sum(t.numel() for file in files for t in torch.load(file, weights_only=True).values())
    assert count == sum(v.numel() for k, v in net.state_dict().items() if not k.startswith("likelihood."))
    assert options.is_foreign
