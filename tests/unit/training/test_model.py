"""The network of many heads, and the rates of its parts."""

import pytest

pytest.importorskip("torch")

from transformers import BertConfig, BertModel

from clinspan.training.model import MultiHeadTagger


def test_the_rate_falls_by_layer():
    config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8)
    model = MultiHeadTagger(BertModel(config, add_pooling_layer=False), {"h": 3}, 0.0)
    groups = model.parameter_groups(lr=1.0, head_lr=7.0, layer_decay=0.5, weight_decay=0.1)
    names = {id(p): name for name, p in model.named_parameters()}
    rates = {names[id(p)]: (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}
    assert len(rates) == len(names)
    assert {rate for name, (rate, _) in rates.items() if "embeddings" in name} == {0.25}
    assert {rate for name, (rate, _) in rates.items() if "layer.0." in name} == {0.5}
    assert {rate for name, (rate, _) in rates.items() if "layer.1." in name} == {1.0}
    assert rates["heads.h.weight"] == (7.0, 0.1)
    assert rates["heads.h.bias"] == (7.0, 0.0)
