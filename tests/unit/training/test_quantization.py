"""Rounding in training: what a layer gives, and that its weights stay those of a plain one."""

import copy

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.train

from clinspan.training.quantization import RoundedLinear, round_products  # noqa: E402


@pytest.fixture
def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.GELU(), torch.nn.Linear(4, 3))


def test_a_layer_gives_the_product_of_rounded_numbers(network):
    layer = network[0]
    features = torch.randn(5, 6)
    round_products(network, on=True)
    low, high = min(features.min(), 0), max(features.max(), 0)
    step = (high - low) / 255
    zero = torch.round(-low / step)
    inputs = (torch.round(features / step + zero).clamp(0, 255) - zero) * step
    scales = layer.weight.abs().amax(dim=1, keepdim=True) / 64
    weights = torch.round(layer.weight / scales).clamp(-64, 63) * scales
    assert torch.allclose(layer(features), inputs @ weights.T + layer.bias, atol=1e-5)
    assert layer(features).unique().numel() > 1


def test_gradients_pass_and_weights_are_kept(network):
    before = copy.deepcopy(network.state_dict())
    round_products(network, on=True)
    assert all(type(m) is RoundedLinear for m in network if hasattr(m, "weight"))
    network(torch.randn(5, 6)).sum().backward()
    assert network[0].weight.grad.abs().sum() > 0
    round_products(network, on=False)
    assert all(type(m) is torch.nn.Linear for m in network if hasattr(m, "weight"))
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_zeros_are_kept_exactly(network):
    round_products(network, on=True)
    assert torch.equal(network[0](torch.zeros(2, 6)), network[0].bias.expand(2, 4))
