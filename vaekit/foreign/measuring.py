"""From a third-party network to an ordinary checkpoint: its shape, its posterior and its pixels, each measured."""

import io
from pathlib import Path

import torch
from torch import Tensor, nn

from vaekit.artifacts import file_hash, write_bytes
from vaekit.checkpoint import Checkpoint
from vaekit.config import DataConfig, LikelihoodConfig, ModelConfig, ObjectiveConfig, RunConfig
from vaekit.errors import CheckpointError, ConfigError
from vaekit.foreign.adapter import Adapted, adapter_text, open_adapter
from vaekit.foreign.choice import Choice, choose
from vaekit.foreign.doctor import examine
from vaekit.foreign.model import ForeignVAE
from vaekit.foreign.opening import open_module
from vaekit.foreign.pixels import CROPS, OUTPUTS, Convention, Images, Output, candidates, to_floats
from vaekit.foreign.posterior import ADAPTER, EXACT, NoRoute
from vaekit.foreign.routes import Route
from vaekit.foreign.shapes import routes_by_shape
from vaekit.objective import stated_objective
from vaekit.options import EvaluationOptions
from vaekit.priors import prior_of, record_of

FEW = 16


def open_foreign(
    checkpoint: Path | nn.Module, options: EvaluationOptions, images: Images, device: torch.device | str
) -> Checkpoint:
    """Return a checkpoint that another program wrote as one of vaekit's, its model on `device`.

    Args:
        checkpoint: its file or folder, or a live module.
        options: what the user says of it; what is not said is measured.
        images: what it is tried on: see `valid_images`.
        device: where the model is to be.

    Raises:
        CheckpointError: it can not be read, or does not show what it does.
        ConfigError: the images leave open how it takes them; names the flags.
    """
    output = None
    if options.adapter is None:
        opened = open_module(checkpoint, options)
        found = routes_by_shape(opened.module, options.model_args, options.image_size)
    else:
        adapter, opened = open_adapter(options, checkpoint)
        found = [Adapted(adapter)]
        output = adapter.output or OUTPUTS[adapter.range]
        options = options.model_copy(update={"range": adapter.range, "crop": options.crop or adapter.crop})
    refuse_diverged(opened.module)
    opened.module.to(device)
    choice = measure(found, options, images, device, output)
    taken = choice.taken
    check_decoding(taken.route, taken.convention.to_network(to_floats(images.under(taken.protocol)[:FEW])).to(device))
    likelihood, objective = _objective(options, taken.convention)
    model = ForeignVAE(taken.route, taken.convention, likelihood).to(device).eval()
    if opened.prior is not None:
        model.learned_prior = prior_of(opened.prior, model.latent_dim, str(checkpoint))
    data = DataConfig.model_validate(
        {
            "source": options.data,
            "crop": taken.protocol.crop,
            "image_size": model.image_size,
            "channels": model.image_shape[0],
        }
    )
    network = ModelConfig.model_validate(
        {"name": "foreign", "network": type(model.network).__name__, "latent_dim": model.latent_dim}
    )
    findings = examine(model, choice, images, opened)
    same = [route for route in found if route.image_shape == taken.route.image_shape]
    said = [f"{finding.question.removeprefix('--')}: {finding.answer}" for finding in findings]
    model.adapter_text = adapter_text(options, taken, same.index(taken.route), said)
    return Checkpoint(
        model=model,
        config=RunConfig(data=data, model=network, likelihood=likelihood, objective=objective, training=None),
        run=checkpoint.stem if isinstance(checkpoint, Path) else type(checkpoint).__name__,
        data={},
        epoch=0,
        step=0,
        history=[],
        kl_per_dim=[],
        training={},
        findings=[finding.record() for finding in findings],
        code={str(file): file_hash(file) for file in opened.code},  # with what was imported while it was measured
    )


def save_foreign(path: Path, checkpoint: Checkpoint) -> None:
    """Write the weights of a network that vaekit did not write and its learned prior to a file that is read as before.

    Raises:
        OutputError: the file can not be written.
    """
    model = checkpoint.model
    assert isinstance(model, ForeignVAE) and model.learned_prior is not None
    weights = {name: tensor.cpu() for name, tensor in model.network.state_dict().items()}
    buffer = io.BytesIO()
    torch.save({"state_dict": weights, "vaekit_prior": record_of(model.learned_prior)}, buffer)
    write_bytes(path, buffer.getvalue())


def _objective(
    options: EvaluationOptions, convention: Convention
) -> tuple[LikelihoodConfig | None, ObjectiveConfig | None]:
    """Return the training objective in vaekit's terms; None where nobody said it."""
    if options.objective is None:
        return None, None
    if convention.output == "imagenet":
        raise ConfigError(
            "--objective: this network gives ImageNet-normalised pixels, whose three channels have three scales, so "
            "that its loss is no likelihood with one sigma. Leave --objective away."
        )
    return stated_objective(options.objective, options.reduction, options.beta, scale=convention.scale)


def measure(
    found: list[Route],
    options: EvaluationOptions,
    images: Images,
    device: torch.device | str,
    output: Output | None = None,
) -> Choice:
    """Return how the network takes and gives pixels; what the options say is taken."""
    crops = CROPS if options.crop is None else (options.crop,)
    if len({route.image_shape for route in found}) > 1:
        # Fully convolutional: a few images at one crop leave few sizes.
        first = candidates(found, images, crops[:1], device, most=FEW)
        left = {c.route.image_shape for c in first if c.rivals(first[0])}
        found = [route for route in found if route.image_shape in left]
    return choose(candidates(found, images, crops, device, output=output), options.range)


def refuse_diverged(module: nn.Module) -> None:
    """Raise CheckpointError where weights are not finite, and name them."""
    bad = [name for name, t in module.state_dict().items() if t.is_floating_point() and not t.isfinite().all()]
    if bad:
        raise CheckpointError(
            f"{len(bad)} of the {len(module.state_dict())} tensors of {type(module).__name__} hold values that are not "
            f"finite, such as {bad[0]}: its training has diverged. Take an earlier checkpoint."
        )


@torch.no_grad()
def check_decoding(route: Route, x: Tensor) -> None:
    """See whether z is all that the decoder goes by: encode A, encode B, decode A's mu.

    A decoder that also uses what the last encode left behind is marked so, and decodes what was encoded last.

    Raises:
        NoRoute: it uses more of the image than that.
    """
    first, second = x[: len(x) // 2], x[len(x) // 2 :]
    own = route.own(first)
    mu, _ = route.encode(first)
    route.encode(second)
    later = route.decode(mu)
    if _agree(later, own):
        return
    route.keeps_state, route.forgets = True, float((later.flatten(1) - own.flatten(1)).abs().amax())
    if not _agree(route.decode(route.encode(first)[0]), own):
        raise NoRoute(
            "What the decoder makes of z is not what the network itself reconstructs: it goes by more than z (skip "
            f"connections from the encoder, or another draw). {ADAPTER}"
        )


def _agree(pixels: Tensor, own: Tensor) -> bool:
    gap = (pixels.flatten(1) - own.flatten(1)).abs().amax()
    return bool(gap <= EXACT * own.abs().amax())
