"""Gradient checkpointing: a layer keeps its input alone and is computed again on the way back. Chen et al. 2016, arXiv 1604.06174."""

from functools import partial
from typing import Any


def recomputed(module: Any) -> bool:
    """Whether the module's layers are computed again on the way back from now on; False where they cannot be, or are already.

    Loss and gradients stay what they are: it takes about a third more work and leaves one vector per token and layer in
    memory. transformers' own switch acts in training mode alone, where some models also drop units; these models learn
    without dropout, in evaluation mode, so the layers are wrapped here. The kind that is not re-entrant needs no input
    that wants a gradient, and so serves an adapter over frozen weights too.
    """
    from torch.utils.checkpoint import checkpoint
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [one for one in module.modules() if isinstance(one, GradientCheckpointingLayer)]
    fresh = [one for one in layers if not isinstance(vars(one).get("forward"), partial)]
    for layer in fresh:
        # Nothing is drawn at random in a layer, so no state of a generator is kept for the second time.
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)
    return bool(fresh)
