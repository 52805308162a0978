"""Finding a network's weights in whatever a file holds: no list of key names, the overlap of the keys decides.

Every dictionary in the content, at any depth, is a candidate, flattened to dotted keys. A candidate fits when all of
the network's keys are in it under one prefix, with their shapes, and nothing else is under that prefix.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from vaekit.errors import CheckpointError
from vaekit.foreign.mismatch import Fit, explain

Weights = dict[str, Tensor]
DEEPEST = 8  # levels of dictionaries; optimisers and schedulers end far above
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module"}  # put into keys by DataParallel, torch.compile and FSDP
AVERAGES = ("ema", "swa", "average", "shadow")
TRAINING_IDS = {"train_ids", "training_ids", "train_images", "training_images", "train_files", "trained_on"}


def fit_weights(module: nn.Module, content: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Load into `module` the weights that fit it and return what a report must say of them.

    Args:
        module: the network.
        content: what each file holds, by the file's name.
        arguments: of the class, for the likeliest cause of a mismatch.

    Raises:
        CheckpointError: nothing fits, or more than one file does.
    """
    want = dict(module.state_dict())
    if not want:
        raise CheckpointError(f"{type(module).__name__} has no weights: it is not the class of a trained network.")
    groups = list(_groups(content))
    if not groups:
        raise CheckpointError(f"{', '.join(content)} holds no tensors: give the file with the network's weights.")
    best = _best(want, groups)
    whole = [best] if best.is_whole else _parts(module, groups)
    if not whole:
        raise CheckpointError(_unfit(module, best, groups, arguments, apart=len(content) > 1))
    weights = {key: tensor for part in whole for key, tensor in part.weights.items()}
    for key in want:  # files from before PyTorch 0.4.1 lack this count, which only training reads
        if key.endswith(".num_batches_tracked"):
            weights.setdefault(key, want[key])
    try:
        module.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"{best.place} does not fit {type(module).__name__}: {error}") from None
    return _said(whole, want, groups)


def _unfit(
    module: nn.Module, best: Fit, groups: Sequence[tuple[str, Weights]], arguments: Mapping[str, Any], *, apart: bool
) -> str:
    """Return why nothing fits: of modules that were saved apart, the one that has no file of its own."""
    for child in module.children() if apart else ():
        want = dict(child.state_dict())
        if want and not (own := _best(want, groups[1:])).is_whole:  # the first is all files together
            return explain(type(child).__name__, own, want, arguments)
    return explain(type(module).__name__, best, dict(module.state_dict()), arguments)


def _said(whole: Sequence[Fit], want: Weights, groups: Sequence[tuple[str, Weights]]) -> tuple[str, ...]:
    notes = []
    others = [g for g in _whole_fits(want, groups) if len(whole) == 1 and g.place != whole[0].place]
    if others:
        notes.append(f"{others[0].place} holds weights that fit as well; {whole[0].place} was read.")
    kinds = {str(t.dtype).removeprefix("torch.") for fit in whole for t in fit.weights.values()}
    if halves := sorted(kinds & {"float16", "bfloat16"}):
        notes.append(f"The weights are stored as {' and '.join(halves)} and are computed with as float32.")
    return tuple(notes)


def _groups(content: Mapping[str, Any]) -> Iterator[tuple[str, Weights]]:
    """Yield the place and the flattened tensors of every dictionary, outermost first; none of them twice."""
    seen: set[int] = set()

    def below(value: Any, place: str, depth: int) -> Iterator[tuple[str, Weights]]:
        if id(value) in seen or depth > DEEPEST:
            return
        seen.add(id(value))
        if isinstance(value, nn.Module):
            yield place, dict(value.state_dict())
            return
        if isinstance(value, argparse.Namespace):
            value = vars(value)
        if not isinstance(value, Mapping | list | tuple):
            return
        if tensors := _flat(value, DEEPEST - depth):
            yield place, tensors
            for key, inner in _items(value):
                yield from below(inner, f"{place}[{key!r}]", depth + 1)

    if len(content) > 1:
        yield " and ".join(content), _flat({_stem(name): value for name, value in content.items()}, DEEPEST)
    for name, value in content.items():
        yield from below(value, name, 0)


def _flat(value: Any, depth: int) -> Weights:
    flat: Weights = {}
    for key, inner in _items(value):
        if isinstance(inner, Tensor):
            flat[str(key)] = inner
        elif isinstance(inner, nn.Module):
            flat |= {f"{key}.{k}": v for k, v in inner.state_dict().items()}
        elif depth > 0 and isinstance(inner, Mapping | list | tuple):
            flat |= {f"{key}.{k}": v for k, v in _flat(inner, depth - 1).items()}
    return flat


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    yield from value.items() if isinstance(value, Mapping) else enumerate(value)


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _best(want: Weights, groups: Sequence[tuple[str, Weights]]) -> Fit:
    """Return the best fit; of equals the first that is no running average of the weights."""
    fits = _whole_fits(want, groups)
    if not fits:
        fits = [_fit(want, place, own) for place, tensors in groups for own in (tensors, _unwrapped(tensors))]
    top = max(fit.rank for fit in fits)
    best = [fit for fit in fits if fit.rank == top]
    plain = [fit for fit in best if not _is_average(fit.place + fit.cut)] or best
    files = list(dict.fromkeys(_file_of(fit.place) for fit in plain if fit.is_whole and " and " not in fit.place))
    if len(files) > 1:
        raise CheckpointError(f"{len(files)} files fit the network: name one of {', '.join(files)}.")
    return plain[0]


def _whole_fits(want: Weights, groups: Sequence[tuple[str, Weights]]) -> list[Fit]:
    """Return every whole fit that holds tensors of its own, told by the innermost place."""
    found: dict[tuple[int, ...], Fit] = {}
    for place, tensors in groups:
        fit = _fit(want, place, tensors)
        if fit.is_whole:
            found[tuple(id(t) for t in fit.weights.values())] = fit
    return list(found.values())


def _is_average(place: str) -> bool:
    return any(word in place.lower() for word in AVERAGES)


def _file_of(place: str) -> str:
    return place.partition("[")[0]


def _unwrapped(tensors: Weights) -> Weights:
    return {".".join(part for part in key.split(".") if part not in WRAPPERS): t for key, t in tensors.items()}


def _fit(want: Weights, place: str, tensors: Weights) -> Fit:
    ours, theirs = _prefixes(want, tensors)
    found, unexpected = {}, []
    for key, tensor in tensors.items():
        if not key.startswith(theirs):
            continue
        name = ours + key.removeprefix(theirs)
        if name in want:
            found[name] = tensor
        else:
            unexpected.append(key)
    missing = [key for key in want if key not in found and not key.endswith(".num_batches_tracked")]
    misshapen = [key for key, tensor in found.items() if tensor.shape != want[key].shape]
    cut = f"+{theirs}" if theirs else f"-{ours}" if ours else ""
    return Fit(place, found, tuple(missing), tuple(unexpected), tuple(misshapen), cut)


def _prefixes(want: Weights, tensors: Weights) -> tuple[str, str]:
    """Return what stands before most keys of the network, or of the file, where they else are the same."""
    votes: Counter[tuple[str, str]] = Counter()
    for key, tensor in tensors.items():
        for prefix, tail in _cuts(key):
            if tail in want:
                votes["", prefix] += 1 + (want[tail].shape == tensor.shape)
    for key, tensor in want.items():
        for prefix, tail in _cuts(key):
            if prefix and tail in tensors:
                votes[prefix, ""] += 1 + (tensors[tail].shape == tensor.shape)
    return max(votes, key=lambda pair: (votes[pair], not _is_average(pair[1]), -len(pair[1])), default=("", ""))


def _cuts(key: str) -> Iterator[tuple[str, str]]:
    """Yield every way to cut a dotted key in two: ("", "a.b"), ("a.", "b")."""
    parts = key.split(".")
    for i in range(len(parts)):
        prefix = ".".join(parts[:i])
        yield (f"{prefix}." if prefix else ""), ".".join(parts[i:])


def _parts(module: nn.Module, groups: Sequence[tuple[str, Weights]]) -> list[Fit]:
    """Return one whole fit for each of the module's children, or nothing: encoder and decoder were saved apart."""
    children = {name: dict(child.state_dict()) for name, child in module.named_children()}
    children = {name: keys for name, keys in children.items() if keys}
    if len(children) < 2 or sum(map(len, children.values())) != len(module.state_dict()):
        return []
    parts = []
    for name, want in children.items():
        # Two layers alike fit each other's place: the one whose place says the child's name goes first.
        fits = sorted(_whole_fits(want, groups), key=lambda fit: name.lower() not in fit.place.lower())
        named = [fit for fit in fits if name.lower() in fit.place.lower()]
        if not fits or len(named or fits) > 1:
            return []
        whole = {f"{name}.{key}": tensor for key, tensor in fits[0].weights.items()}
        parts.append(Fit(fits[0].place, whole, (), (), (), fits[0].cut))
    # All from one dictionary would be that dictionary, fitted without what else is in it.
    return parts if len({part.place for part in parts}) == len(parts) else []


def modules_in(content: Mapping[str, Any]) -> list[nn.Module]:
    """Return the whole networks that trusted pickles held, a wrapper of DataParallel taken off."""
    found: list[nn.Module] = []
    for value in content.values():
        for inner in [value, *(value.values() if isinstance(value, Mapping) else ())]:
            if isinstance(inner, nn.Module):
                found.append(inner.module if isinstance(inner, nn.DataParallel) else inner)
    return found


def stated_arguments(content: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the values that the files state for arguments of these names, wherever they stand and agree."""
    found: dict[str, list[Any]] = {name: [] for name in names}

    def look(value: Any, depth: int) -> None:
        if isinstance(value, argparse.Namespace):
            value = vars(value)
        if depth > DEEPEST or not isinstance(value, Mapping) or "param_groups" in value:
            return
        for key, inner in value.items():
            if key in found and _is_plain(inner):
                found[key].append(inner)
            else:
                look(inner, depth + 1)

    for value in content:
        look(value, 0)
    return {name: values[0] for name, values in found.items() if values and all(v == values[0] for v in values)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, argparse.Namespace):
        return True
    if isinstance(value, Mapping):
        return bool(value) and all(_is_plain(v) for v in value.values())
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)
    return value is None or isinstance(value, bool | int | float | str)


def training_ids(content: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the ids of the training images that a file states under a plain name, or None."""
    stated = stated_arguments([*content.values()], sorted(TRAINING_IDS))
    for ids in stated.values():
        if isinstance(ids, list | tuple) and ids and all(isinstance(i, str) for i in ids):
            return tuple(ids)
    return None
