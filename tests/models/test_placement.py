"""A local model stands where the run says, unless it is told otherwise; elsewhere it is another model."""

from dataclasses import replace

import pytest
import torch

from sociolect.errors import ModelError
from sociolect.models.local import Local, local
from sociolect.models.placement import placed


def test_a_model_takes_the_placement_of_the_run(tiny: Local) -> None:
    with placed("cpu", "bf16"):
        half, whole = local(tiny.folder), local(tiny.folder, dtype="fp32")
    assert (half.dtype, half.module.dtype) == ("bf16", torch.bfloat16)
    assert (whole.dtype, whole.module.dtype) == ("fp32", torch.float32)
    assert local(tiny.folder).dtype == "fp32"


def test_the_kind_of_a_device_is_part_of_what_a_model_is(tiny: Local) -> None:
    card, other = (replace(tiny, weights=replace(tiny.weights, device=name)) for name in ("cuda", "cuda:1"))
    assert card.version == other.version != tiny.version


def test_a_device_that_is_not_there_is_told_when_a_model_is_opened(tiny: Local) -> None:
    with placed("cuda:99"), pytest.raises(ModelError, match="torch sees"):
        local(tiny.folder)
