"""Where a network is cut: in front, what is cached; behind, the head that is trained."""

from fastai.layers import Flatten
from torch import nn


def cut(model: nn.Module) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut a network behind its pooled and flattened activations; both parts share its layers.

    fastai's vision models are a body and a head that begins with the pooling, unless the body
    pools by itself; its xresnets are one row of layers.
    """
    layers = list(model.children())
    if not _flat(layers):
        body, head = layers
        layers = [body, *head.children()]
    at = 1 + max(_flat(layers), default=0)
    return nn.Sequential(*layers[:at]), nn.Sequential(*layers[at:])


def _flat(layers: list[nn.Module]) -> list[int]:
    return [at for at, layer in enumerate(layers) if isinstance(layer, Flatten | nn.Flatten)]
