"""Vision transformer (ViT) and BERT encoder in plain PyTorch, with the names of transformers' weights.

They compute what `transformers.ViTModel` and `BertModel` without pooler compute, bit for bit, and begin with the same random
weights; checkpoints of either load into the other. Importing transformers for it would take two seconds of every command.
Sources: Dosovitskiy et al. (2021), arXiv:2010.11929; Devlin et al. (2019), arXiv:1810.04805.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

EPS, STD = 1e-12, 0.02


@dataclass(frozen=True)
class Width:
    """Sizes of a transformer's layers."""

    hidden: int
    heads: int
    ffn: int
    dropout: float


def attended(query: Tensor, key: Tensor, value: Tensor, heads: int, mask: Tensor | None, dropout: float) -> Tensor:
    """Scaled dot-product attention of (B, N, width) in several heads; (B, N, width)."""
    batch, count, width = query.shape
    q, k, v = (states.view(batch, count, heads, width // heads).transpose(1, 2) for states in (query, key, value))
    scale = (width // heads) ** -0.5
    found = scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, scale=scale)
    return found.transpose(1, 2).contiguous().reshape(batch, count, width)


class Patches(nn.Module):
    """Tokens of the patches of a picture, made by one convolution."""

    def __init__(self, image: tuple[int, int, int], patch: tuple[int, int], width: int):
        super().__init__()
        self.projection: nn.Module = nn.Conv2d(image[0], width, kernel_size=patch, stride=patch)

    def forward(self, image: Tensor) -> Tensor:
        return self.projection(image).flatten(2).transpose(1, 2)


class ImageEmbeddings(nn.Module):
    """[CLS] and patches with their places; (B, 1 + patches, width)."""

    def __init__(self, image: tuple[int, int, int], patch: tuple[int, int], width: Width):
        super().__init__()
        count = (image[1] // patch[0]) * (image[2] // patch[1])
        self.cls_token: nn.Parameter = nn.Parameter(torch.randn(1, 1, width.hidden))
        self.patch_embeddings: Patches = Patches(image, patch, width.hidden)
        self.position_embeddings: nn.Parameter = nn.Parameter(torch.randn(1, count + 1, width.hidden))
        self.dropout: nn.Dropout = nn.Dropout(width.dropout)

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.patch_embeddings(image)
        tokens = torch.cat((self.cls_token.expand(image.shape[0], -1, -1), tokens), dim=1)
        return self.dropout(tokens + self.position_embeddings)


class ViTAttention(nn.Module):
    """Self-attention of a ViT."""

    def __init__(self, width: Width):
        super().__init__()
        self.heads, self.p = width.heads, width.dropout
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            self.add_module(name, nn.Linear(width.hidden, width.hidden))

    def forward(self, states: Tensor) -> Tensor:
        query, key, value = (self.get_submodule(name)(states) for name in ("q_proj", "k_proj", "v_proj"))
        found = attended(query, key, value, self.heads, None, self.p if self.training else 0.0)
        return self.get_submodule("o_proj")(found)


class ViTFeedForward(nn.Module):
    """Two linear layers around a GELU."""

    def __init__(self, width: Width):
        super().__init__()
        self.fc1: nn.Linear = nn.Linear(width.hidden, width.ffn)
        self.fc2: nn.Linear = nn.Linear(width.ffn, width.hidden)

    def forward(self, states: Tensor) -> Tensor:
        return self.fc2(gelu(self.fc1(states)))


class ViTLayer(nn.Module):
    """Attention and feed-forward, each after a layer norm and added to what came in."""

    def __init__(self, width: Width):
        super().__init__()
        self.attention: ViTAttention = ViTAttention(width)
        self.layernorm_before: nn.LayerNorm = nn.LayerNorm(width.hidden, eps=EPS)
        self.layernorm_after: nn.LayerNorm = nn.LayerNorm(width.hidden, eps=EPS)
        self.mlp: ViTFeedForward = ViTFeedForward(width)
        self.dropout: nn.Dropout = nn.Dropout(width.dropout)

    def forward(self, states: Tensor) -> Tensor:
        states = self.dropout(self.attention(self.layernorm_before(states))) + states
        return self.dropout(self.mlp(self.layernorm_after(states))) + states


class ViT(nn.Module):
    """Vision transformer without pooler: images (B, C, H, W) float to tokens (B, 1 + patches, width), [CLS] first."""

    def __init__(self, image: tuple[int, int, int], patch: tuple[int, int], width: Width, layers: int):
        super().__init__()
        self.embeddings: ImageEmbeddings = ImageEmbeddings(image, patch, width)
        self.layers: nn.ModuleList = nn.ModuleList([ViTLayer(width) for _ in range(layers)])
        self.layernorm: nn.LayerNorm = nn.LayerNorm(width.hidden, eps=EPS)
        begin_randomly(self)

    def forward(self, image: Tensor) -> Tensor:
        states = self.embeddings(image)
        for layer in self.layers:
            states = layer(states)
        return self.layernorm(states)


class TokenEmbeddings(nn.Module):
    """Words with their places and the type of their text; (B, L, width)."""

    position_ids: Tensor

    def __init__(self, vocabulary: int, length: int, width: Width):
        super().__init__()
        self.word_embeddings: nn.Embedding = nn.Embedding(vocabulary, width.hidden, padding_idx=0)
        self.position_embeddings: nn.Embedding = nn.Embedding(length, width.hidden)
        self.token_type_embeddings: nn.Embedding = nn.Embedding(2, width.hidden)
        self.LayerNorm: nn.LayerNorm = nn.LayerNorm(width.hidden, eps=EPS)
        self.dropout: nn.Dropout = nn.Dropout(width.dropout)
        self.register_buffer("position_ids", torch.arange(length)[None], persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        places = self.position_ids[:, : ids.shape[1]]
        states = self.word_embeddings(ids) + self.token_type_embeddings(torch.zeros_like(ids))
        return self.dropout(self.LayerNorm(states + self.position_embeddings(places)))


class BertSelfAttention(nn.Module):
    """Queries, keys and values of a BERT layer."""

    def __init__(self, width: Width):
        super().__init__()
        self.heads, self.p = width.heads, width.dropout
        self.query: nn.Linear = nn.Linear(width.hidden, width.hidden)
        self.key: nn.Linear = nn.Linear(width.hidden, width.hidden)
        self.value: nn.Linear = nn.Linear(width.hidden, width.hidden)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        dropout = self.p if self.training else 0.0
        return attended(self.query(states), self.key(states), self.value(states), self.heads, mask, dropout)


class BertOutput(nn.Module):
    """A linear layer, added to what came in, then a layer norm."""

    def __init__(self, inner: int, width: Width):
        super().__init__()
        self.dense: nn.Linear = nn.Linear(inner, width.hidden)
        self.LayerNorm: nn.LayerNorm = nn.LayerNorm(width.hidden, eps=EPS)
        self.dropout: nn.Dropout = nn.Dropout(width.dropout)

    def forward(self, states: Tensor, before: Tensor) -> Tensor:
        return self.LayerNorm(self.dropout(self.dense(states)) + before)


class BertLayer(nn.Module):
    """Attention and feed-forward, each with its output layer."""

    def __init__(self, width: Width):
        super().__init__()
        self.attention: nn.ModuleDict = nn.ModuleDict(
            {"self": BertSelfAttention(width), "output": BertOutput(width.hidden, width)}
        )
        self.intermediate: nn.ModuleDict = nn.ModuleDict({"dense": nn.Linear(width.hidden, width.ffn)})
        self.output: BertOutput = BertOutput(width.ffn, width)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        states = self.attention["output"](self.attention["self"](states, mask), states)
        return self.output(gelu(self.intermediate["dense"](states)), states)


class Bert(nn.Module):
    """BERT without pooler: ids (B, L) int64 and where they are tokens, not padding, (B, L) bool, to states (B, L, width)."""

    def __init__(self, vocabulary: int, length: int, width: Width, layers: int):
        super().__init__()
        self.embeddings: TokenEmbeddings = TokenEmbeddings(vocabulary, length, width)
        self.encoder: nn.ModuleDict = nn.ModuleDict({"layer": nn.ModuleList([BertLayer(width) for _ in range(layers)])})
        begin_randomly(self)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        states, over_all = self.embeddings(ids), _bidirectional(mask)
        layers = self.encoder["layer"]
        assert isinstance(layers, nn.ModuleList)
        for layer in layers:
            states = layer(states, over_all)
        return states


def _bidirectional(mask: Tensor) -> Tensor | None:
    """Return which tokens each token sees, (B, 1, L, L) bool; None where all see all, which has a quicker kernel."""
    exporting = torch.compiler.is_exporting() or torch.jit.is_tracing()
    if not exporting and bool(mask.all()):
        return None
    return mask[:, None, None, :].expand(-1, 1, mask.shape[1], -1)


def begin_randomly(net: nn.Module) -> None:
    """Give every layer its first weights, normal with a standard deviation of 0.02, the innermost layers first."""
    for child in net.children():
        begin_randomly(child)
    if isinstance(net, (nn.Linear, nn.Conv2d, nn.Embedding)):
        nn.init.normal_(net.weight, std=STD)
    if isinstance(net, (nn.Linear, nn.Conv2d)) and net.bias is not None:
        nn.init.zeros_(net.bias)
    if isinstance(net, nn.Embedding) and net.padding_idx is not None:
        with torch.no_grad():
            net.weight[net.padding_idx].zero_()
    if isinstance(net, ImageEmbeddings):
        nn.init.trunc_normal_(net.position_embeddings, std=STD)
        nn.init.trunc_normal_(net.cls_token, std=STD)
