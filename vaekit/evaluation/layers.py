"""The architecture as a table: what each layer gives, and what it costs."""

import pandas as pd
import torch
from torch import nn

from vaekit.models.base import VAE


@torch.no_grad()
def layer_table(model: VAE) -> pd.DataFrame:
    """Return one row per layer in the order of the forward pass: part, layer, kind, output_shape, parameters.

    Shapes are those of one image, without the batch axis; a parameter is counted at the layer that owns it.
    """
    rows: list[dict[str, object]] = []
    seen: set[nn.Module] = set()

    def note(name: str) -> object:
        def hook(layer: nn.Module, inputs: object, output: object) -> None:
            if layer in seen:  # to measure its posterior a foreign encoder runs more than once
                return
            seen.add(layer)
            first = output[0] if isinstance(output, tuple | list) and output else output  # a pool may give indices too
            shape = " x ".join(map(str, first.shape[1:])) if isinstance(first, torch.Tensor) else ""
            count = sum(p.numel() for p in layer.parameters(recurse=False))
            part, _, rest = name.partition(".")
            what = {"part": part, "layer": rest or part, "kind": type(layer).__name__}
            rows.append(what | {"output_shape": shape, "parameters": count})

        return hook

    leaves = [(name, m) for name, m in model.named_modules() if name and not list(m.children())]
    hooks = [m.register_forward_hook(note(name)) for name, m in leaves if m is not model.likelihood]
    try:
        model.reconstruct(torch.zeros(1, *model.image_shape, device=model.device))
    finally:
        for hook in hooks:
            hook.remove()
    return pd.DataFrame(rows, columns=["part", "layer", "kind", "output_shape", "parameters"])
