"""Dropout by bytes: the share and the mean of `nn.Dropout`, and nothing in evaluation."""

import pytest

pytest.importorskip("torch")
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

import torch  # noqa: E402
from torch import nn  # noqa: E402

from clinspan.training.dropout import ByteDropout, on_cpu, random_bytes  # noqa: E402

SIZE = (501, 199)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_share_is_dropped_and_the_mean_stays(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    dropped = ByteDropout(share)(torch.ones(SIZE, dtype=dtype)).float()
    assert (dropped == 0).float().mean().item() == pytest.approx(share, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    assert len(dropped.unique()) == 2


def test_gradients_pass_only_where_features_were_kept() -> None:
    features = torch.ones(SIZE, requires_grad=True)
    dropped = ByteDropout(0.3)(features)
    dropped.sum().backward()
    assert torch.equal(features.grad, dropped.detach())


@pytest.mark.parametrize(("share", "training"), [(0.5, False), (0.0, True)])
def test_nothing_is_dropped_in_evaluation_or_without_a_share(share: float, training: bool) -> None:
    features = torch.randn(SIZE)
    assert ByteDropout(share).train(training)(features) is features


def test_bytes_are_evenly_distributed_and_follow_the_seed() -> None:
    torch.manual_seed(3)
    drawn = random_bytes(256 * 400 + 5)
    torch.manual_seed(3)
    assert torch.equal(random_bytes(256 * 400 + 5), drawn)
    counts = drawn.bincount(minlength=256)
    assert len(counts) == 256
    assert (counts - 400).abs().max() < 6 * 20  # six standard deviations


def test_every_dropout_of_a_network_is_replaced() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.2), nn.Sequential(nn.Dropout(0.3)))
    on_cpu(network)
    assert [module.p for module in network.modules() if isinstance(module, ByteDropout)] == [0.2, 0.3]
    assert not any(isinstance(module, nn.Dropout) for module in network.modules())
