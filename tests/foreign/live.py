"""The styles as live modules, without a file in between."""

import torch
from torch import nn

from tests.foreign.styles import STYLES, weights_of
from vaekit.foreign.opening import TwoModules
from vaekit.models.base import VAE


def classes_of(source: str) -> dict[str, type[nn.Module]]:
    """Return what a model file defines, on the CPU and told nothing on its command line."""
    source = source.replace("parser.parse_args()", 'parser.parse_args(["--dataset", "x"])').replace(".cuda()", "")
    space: dict[str, type[nn.Module]] = {"__name__": "theirs"}
    exec(compile(source.replace('"cuda"', '"cpu"'), "style", "exec"), space)
    return space


def module_of(style: str, net: VAE) -> nn.Module:
    """Return a style's own module with the network's weights."""
    theirs, made = STYLES[style], classes_of(STYLES[style].source)
    if theirs.two:
        module: nn.Module = TwoModules(made["Encoder"](**theirs.args), made["Decoder"](**theirs.args))
    else:
        module = made["Net"](**theirs.args)
    module.load_state_dict(dict(zip(module.state_dict(), weights_of(net, theirs), strict=True)))
    return module.eval()


def pictures(n: int = 4, channels: int = 3, height: int = 32, width: int = 32) -> torch.Tensor:
    """Return random images (n, C, H, W) in [0, 1]."""
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(5))
