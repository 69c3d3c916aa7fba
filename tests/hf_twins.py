"""The models of transformers beside ours of the same sizes and weights."""

from __future__ import annotations

import torch
from transformers import BertConfig, BertModel, PreTrainedModel, ViTConfig, ViTModel

from candlelab.model.transformer import Bert, ViT


def twin(net: ViT | Bert, dropout: float = 0.0) -> PreTrainedModel:
    """Return the transformers model of a net's sizes, with weights of its own."""
    if isinstance(net, ViT):
        kernel, places = net.embeddings.patch_embeddings.projection, net.embeddings.position_embeddings
        layer, (high, wide) = net.layers[0], kernel.kernel_size
        side = (places.shape[1] - 1) * wide  # as one row of patches: only their number counts
        sizes = _sizes(len(net.layers), places.shape[2], layer.attention.heads, layer.mlp.fc1.out_features, dropout)
        shape = {"image_size": (high, side), "patch_size": (high, wide), "num_channels": kernel.in_channels}
        if high == wide and int((places.shape[1] - 1) ** 0.5) ** 2 == places.shape[1] - 1:
            shape |= {"image_size": int((places.shape[1] - 1) ** 0.5) * high, "patch_size": high}
        return ViTModel(ViTConfig(**shape, **sizes), add_pooling_layer=False)
    words, layers = net.embeddings.word_embeddings, net.encoder["layer"]
    inner = layers[0].intermediate["dense"].out_features
    sizes = _sizes(len(layers), words.embedding_dim, layers[0].attention["self"].heads, inner, dropout)
    length = net.embeddings.position_embeddings.num_embeddings
    config = BertConfig(vocab_size=words.num_embeddings, max_position_embeddings=length, **sizes)
    return BertModel(config, add_pooling_layer=False)


def as_transformers(net: ViT | Bert) -> PreTrainedModel:
    """Return the transformers model with a net's weights: every one of them has its place there."""
    other = twin(net)
    other.load_state_dict(net.state_dict(), strict=True)
    return other


def _sizes(layers: int, width: int, heads: int, ffn: int, dropout: float) -> dict[str, float]:
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": ffn,
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
    }


def seeded(make, seed: int = 3):
    """Return what a call makes from a seed, and the next random number after it."""
    torch.manual_seed(seed)
    made = make()
    return made, torch.rand(1).item()
