"""Networks for sequences: attention in encoders and decoders, recurrent layers, state spaces."""

from functools import partial

import torch
from torch import nn

from tests.literature.rebuilt import Model, conv


class Attention(nn.Module):
    """Products written out, for PyTorch's counter to see; keys and values of `cached` tokens come first."""

    def __init__(self, width, heads, *, bias=True, kv=None, cached=0):
        super().__init__()
        self.heads, self.kv, self.size, self.cached = heads, kv or heads, width // heads, cached
        self.q = nn.Linear(width, width, bias=bias)
        self.k, self.v = (nn.Linear(width, self.kv * self.size, bias=bias) for _ in range(2))
        self.o = nn.Linear(width, width, bias=bias)

    def forward(self, x):
        n, t, width = x.shape

        def split(y, heads, cached=0):
            old = torch.empty((n, cached, heads * self.size), device=y.device)
            return torch.cat([old, y], 1).view(n, t + cached, heads, self.size).transpose(1, 2)

        q = split(self.q(x), self.heads)
        k, v = (split(m(x), self.kv, self.cached) for m in (self.k, self.v))
        k, v = (y.repeat_interleave(self.heads // self.kv, 1) for y in (k, v))
        y = (q @ k.transpose(2, 3)).softmax(-1) @ v
        return self.o(y.transpose(1, 2).reshape(n, t, width))


class Block(nn.Module):
    def __init__(self, width, attention, mlp, norm, *, before=True):
        super().__init__()
        self.attention, self.mlp, self.before = attention, mlp, before
        self.one, self.two = norm(width), norm(width)

    def forward(self, x):
        if self.before:
            x = x + self.attention(self.one(x))
            return x + self.mlp(self.two(x))
        x = self.one(x + self.attention(x))
        return self.two(x + self.mlp(x))


def perceptron(width, hidden):
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class Gated(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.gate, self.up = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.down(nn.functional.silu(self.gate(x)) * self.up(x))


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(rows, 768) for rows in (30522, 512, 2))
        self.norm, self.pooler = nn.LayerNorm(768), nn.Linear(768, 768)
        self.blocks = nn.Sequential(
            *(
                Block(768, Attention(768, 12), perceptron(768, 3072), nn.LayerNorm, before=False)
                for _ in range(12)
            )
        )

    def forward(self, ids):
        x = self.norm(sum(table(ids) for table in self.tables))
        return self.pooler(self.blocks(x)[:, 0])


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 768, 16, 16)
        self.token = nn.Parameter(torch.empty(1, 1, 768))
        self.positions = nn.Parameter(torch.empty(1, 197, 768))
        self.blocks = nn.Sequential(
            *(Block(768, Attention(768, 12), perceptron(768, 3072), nn.LayerNorm) for _ in range(12))
        )
        self.norm, self.head = nn.LayerNorm(768), nn.Linear(768, 1000)

    def forward(self, x):
        x = torch.cat([self.token, self.patches(x).flatten(2).transpose(1, 2)], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


class Decoder(nn.Module):
    """Tables, blocks, a norm and the logits of the last token."""

    def __init__(self, tables, blocks, norm, *, tied):
        super().__init__()
        self.tables, self.blocks = nn.ModuleList(tables), nn.Sequential(*blocks)
        self.norm = norm
        rows, width = self.tables[0].weight.shape
        self.head = nn.Linear(width, rows, bias=False)
        if tied:
            self.head.weight = self.tables[0].weight

    def forward(self, ids):
        x = sum(table(ids) for table in self.tables)
        return self.head(self.norm(self.blocks(x))[:, -1])


def gpt2(cached=0):
    blocks = (
        Block(768, Attention(768, 12, cached=cached), perceptron(768, 3072), nn.LayerNorm) for _ in range(12)
    )
    return Decoder([nn.Embedding(50257, 768), nn.Embedding(1024, 768)], blocks, nn.LayerNorm(768), tied=True)


def llama_3_8b(cached=0):
    blocks = (
        Block(4096, Attention(4096, 32, bias=False, kv=8, cached=cached), Gated(4096, 14336), nn.RMSNorm)
        for _ in range(32)
    )
    return Decoder([nn.Embedding(128256, 4096)], blocks, nn.RMSNorm(4096), tied=False)


class Mamba(nn.Module):
    """One block without the scan, whose products PyTorch's counter does not see either."""

    def __init__(self):
        super().__init__()
        self.norm = nn.RMSNorm(768)
        self.enter, self.leave = nn.Linear(768, 3072, bias=False), nn.Linear(1536, 768, bias=False)
        self.conv = nn.Conv1d(1536, 1536, 4, groups=1536)
        self.choose, self.step = nn.Linear(1536, 80, bias=False), nn.Linear(48, 1536)
        self.a, self.d = nn.Parameter(torch.empty(1536, 16)), nn.Parameter(torch.empty(1536))

    def forward(self, x):
        y, gate = self.enter(self.norm(x)).chunk(2, -1)
        y = self.conv(nn.functional.pad(y.transpose(1, 2), (3, 0))).transpose(1, 2)
        step = self.step(self.choose(y)[..., :48])
        return x + self.leave((step + y) * gate)


def mamba_130m():
    return Decoder([nn.Embedding(50280, 768)], (Mamba() for _ in range(24)), nn.RMSNorm(768), tied=True)


class Lstm(nn.Module):
    """Two directions, summed, written out step by step."""

    def __init__(self, i, hidden):
        super().__init__()
        self.enter = nn.ModuleList(nn.Linear(i, 4 * hidden) for _ in range(2))
        self.again = nn.ModuleList(nn.Linear(hidden, 4 * hidden) for _ in range(2))
        self.hidden = hidden

    def run(self, x, again):
        h = c = torch.zeros((x.shape[0], self.hidden), device=x.device)
        out = []
        for t in range(x.shape[1]):
            i, f, g, o = (x[:, t] + again(h)).chunk(4, -1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            out.append(h)
        return torch.stack(out, 1)

    def forward(self, x):
        return sum(self.run(e(x), a) for e, a in zip(self.enter, self.again, strict=True))


class DeepSpeech(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.Sequential(conv(1, 32, (41, 11), 2), conv(32, 32, (21, 11), (2, 1)))
        self.lstms = nn.Sequential(*(Lstm(i, 1024) for i in (1312, *[1024] * 4)))
        self.last = nn.Linear(1024, 29, bias=False)

    def forward(self, x):
        x = self.convs(x).flatten(1, 2).transpose(1, 2)
        return self.last(self.lstms(x)).softmax(-1)


def perceptrons(layers, size):
    return nn.Sequential(*(nn.Linear(size, size) for _ in range(layers)))


MODELS = {
    "bert_base": Model(Bert, (512,), 109_482_240),
    "bert_base@tokens=128": Model(Bert, (128,), 109_482_240),
    "vit_b16": Model(Vit, (3, 224, 224), 86_567_656),
    "gpt2": Model(gpt2, (1024,), 124_439_808),
    "gpt2@tokens=1,cached=1023": Model(partial(gpt2, 1023), (1,), 124_439_808),
    "llama_3_8b": Model(llama_3_8b, (1024,), 8_030_261_248),
    "llama_3_8b@tokens=1,cached=4095": Model(partial(llama_3_8b, 4095), (1,), 8_030_261_248),
    "mamba_130m": Model(mamba_130m, (1024,), 129_135_360),
    "deepspeech2@frames=50": Model(DeepSpeech, (1, 161, 50), None),
    "tpu_mlp0": Model(partial(perceptrons, 5, 2000), (2000,), None),
    "tpu_mlp1": Model(partial(perceptrons, 4, 1118), (1118,), None),
    "tpu_lstm0": Model(partial(perceptrons, 24, 1472), (1472,), None),
    "tpu_cnn0": Model(lambda: nn.Sequential(*(conv(236, 236, 3) for _ in range(16))), (236, 19, 19), None),
}
