"""Published weights: files that the user has, read without unpickling anything else."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Published:
    """A published file: its key in `evaluation.weights`, what it holds, its SHA-256's beginning.

    That is empty where none is known.
    """

    key: str
    what: str
    sha256: str


def _identify(path: Path, published: Published) -> None:
    """Say in the log which file it is; ValueError when there is none."""
    if not path.is_file():
        raise ValueError(
            f"evaluation.weights.{published.key}: there is no file '{path}'; docs/networks.md "
            f"says where to get {published.what}"
        )
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    as_published = found.startswith(published.sha256)
    print(
        f"evaluation.weights.{published.key}: {path}, SHA-256 {found}"
        + ("" if as_published else f"; NOT the published file, {published.sha256}..."),
        flush=True,
    )


def read_program(path: Path, published: Published) -> torch.jit.ScriptModule:
    """The network of a TorchScript file, which brings its own program; errors as `read_state`."""
    _identify(path, published)
    try:
        return torch.jit.load(path, map_location="cpu").eval()
    except Exception as error:  # as torch.load below
        raise ValueError(_wrong(path, published, "it is no TorchScript")) from error


def read_state(path: Path, published: Published) -> dict[str, Tensor]:
    """The state dict of a file; ValueError, with the config key, when it can't be had.

    A checkpoint's is its `state_dict`, and a parallel network's names lose their `module.`. Another
    file than the published one passes when it holds a state dict; what is said about it then stands
    in the log.
    """
    _identify(path, published)
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch.load raises whatever it stumbles upon in a wrong file
        raise ValueError(_wrong(path, published, "it is no PyTorch state dict")) from error
    if not isinstance(state, dict):
        raise ValueError(_wrong(path, published, f"it holds a {type(state).__name__}"))
    state = state.get("state_dict", state)
    return {name.removeprefix("module."): value for name, value in state.items()}


def load_state(
    network: nn.Module,
    path: Path,
    published: Published,
    published_name: Callable[[str], str] = str,
) -> None:
    """Fill a network from a file, by the names that `published_name` makes of its own.

    Raises ValueError, with the config key, when the file lacks a weight or has it in another shape.
    """
    state, wanted = read_state(path, published), {}
    for name, own in network.state_dict().items():
        if name.endswith("num_batches_tracked"):  # older than files of PyTorch 0.4; unused here
            continue
        value = state.get(published_name(name))
        if not isinstance(value, Tensor):
            raise ValueError(_wrong(path, published, f"it lacks {published_name(name)}"))
        if value.shape != own.shape:
            detail = f"{published_name(name)} is {list(value.shape)}, not {list(own.shape)}"
            raise ValueError(_wrong(path, published, detail))
        wanted[name] = value
    network.load_state_dict(wanted, strict=False)


def _wrong(path: Path, published: Published, detail: str) -> str:
    return (
        f"evaluation.weights.{published.key}: '{path}' is not {published.what}: {detail}; "
        "docs/networks.md says where to get it"
    )
