"""The translators: MakeItTalk's residual U-Net, and AATU, the same net with CBAM on its maps.

    drawing ++ reference face [B, 6, S, S]                           frame [B, 3, S, S]
          |                                                                ^
          |                                                            to_frame
          v                                                                ^
      down 0, CBAM  [w0, S/2, S/2]  ------------ skip ------------>  up 0, CBAM  [w0, S/2, S/2]
          v                                                                ^
      down 1, CBAM  [w1, S/4, S/4]  ------------ skip ------------>  up 1, CBAM  [w1, S/4, S/4]
         ...                                                              ...
      down n-1  [wn-1, S/2^n, S/2^n]  ------------------------------>  up n-2

Sources: paper section 3.2; MakeItTalk src/models/model_image_translation.py
(ResUnetGenerator). Where MakeItTalk applies a tanh outside the net and clips, this net ends in a
sigmoid.

With `warp`, which is no part of the paper, the net is also shown the reference face already brought
to the landmarks (`emohead.translator.warp`). It decides by one mask where the picture stays still,
as behind the head, and by another where it paints:

    drawing ++ reference ++ warped [B, 9, S, S] -> change [B, 3, S, S], still, mask [B, 1, S, S]
    found = still * reference + (1 - still) * warped
    painted = found + 2 change - 1, cut to [0, 1]
    frame = mask * painted + (1 - mask) * found

With `inputs="areas"` painting starts from grey in an open mouth: what is there doesn't depend on
the skin that a warp stretches over it.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from emohead.translator.cbam import CBAM
from emohead.translator.options import ATTENDED_MAPS, TranslatorOptions

LARGE_MAPS = 2  # how many of the decoder's maps have the frame's size, beside the frame
MOUTH_AREA = slice(5, 7)  # its two halves in "areas"
_OPEN_AT_FIRST = -2.0  # both masks, as a logit: .12


class ResidualBlock(nn.Module):
    """relu(x + BN(conv(relu(BN(conv(x)))))), 3x3 convolutions, same shape out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, C, H, W] to the same shape."""
        return torch.relu(features + self.body(features))


def _down(inputs: int, outputs: int, *, norm: bool, residual_blocks: int) -> nn.Sequential:
    """Halve the map: stride-2 convolution, BN, ReLU, residual blocks."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=not norm),
        nn.BatchNorm2d(outputs) if norm else nn.Identity(),
        nn.ReLU(inplace=True),
        *(ResidualBlock(outputs) for _ in range(residual_blocks)),
    )


def doubling_kernels(weight: Tensor) -> Tensor:
    """Weights of a transposed convolution: nearest-neighbour doubling, then a 3x3 convolution.

    Weights [O, C, 3, 3] to [C, O, 4, 4], for stride 2 and padding 1: a pixel of the map becomes 2x2
    equal ones, and the weights that meet them add up. 16 instead of 36 products for four pixels.
    """
    kernels = functional.pad(weight, (0, 1)) + functional.pad(weight, (1, 0))  # [O, C, 3, 4]
    kernels = functional.pad(kernels, (0, 0, 0, 1)) + functional.pad(kernels, (0, 0, 1, 0))
    return kernels.flip(2, 3).transpose(0, 1)


class Doubling(nn.Sequential):
    """Layers that begin with nearest-neighbour doubling and a 3x3 convolution, computed as one.

    For large maps: of small ones with many channels, adding up the weights takes longer.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, C, H, W] to [B, O, 2 H, 2 W]."""
        _, convolution, *others = self
        features = functional.conv_transpose2d(
            features, doubling_kernels(convolution.weight), convolution.bias, stride=2, padding=1
        )
        for layer in others:
            features = layer(features)
        return features


def _up(inputs: int, outputs: int, *, large: bool, residual_blocks: int) -> nn.Sequential:
    """Double the map: nearest neighbour, convolution, BN, ReLU, residual blocks."""
    return (Doubling if large else nn.Sequential)(
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        *(ResidualBlock(outputs) for _ in range(residual_blocks)),
    )


class _FrameSigmoid(nn.Sigmoid):
    """Under bf16 in float32: bf16 has steps of 1/256 from .5 to 1, a whole level of a pixel."""

    def forward(self, logits: Tensor) -> Tensor:
        return super().forward(logits.to(torch.promote_types(logits.dtype, torch.float32)))


def _attend(channels: int, options: TranslatorOptions, attended: bool) -> nn.Module:
    """The attention after a map of `channels`: CBAM, one of its gates, or none."""
    if not attended or options.attention == "none":
        return nn.Identity()
    return CBAM(channels, options.reduction, options.attention)


class Painting(NamedTuple):
    """A frame [B, 3, S, S]; with `warp` what was painted and what was found, of that shape.

    And two masks [B, 1, S, S]: `still` is 1 where what was found is the reference face as it is,
    and 0 where it is warped; `mask` is 1 where the frame is what was painted, 0 where it was found.
    """

    frame: Tensor
    painted: Tensor | None = None
    found: Tensor | None = None
    still: Tensor | None = None
    mask: Tensor | None = None


class UNet(nn.Module):
    """Landmark drawing and reference face to frame; AATU when `options.attention` is "cbam".

    Lists are indexed by depth: `down[i]` and `up[i]` make the encoder's and the decoder's map of
    size S / 2^(i+1). The first and the last encoder map come without BN, as in MakeItTalk.
    Attention acts on a block's output, so that skips carry attended maps.
    """

    def __init__(self, options: TranslatorOptions) -> None:
        super().__init__()
        self.options = options
        widths, depth = options.widths, len(options.widths)
        blocks = options.residual_blocks
        self.down = nn.ModuleList(
            _down(inputs, outputs, norm=0 < i < depth - 1, residual_blocks=blocks)
            for i, (inputs, outputs) in enumerate(
                zip((options.input_channels, *widths), widths, strict=False)
            )
        )
        # The deepest step reads the bottleneck alone, the others skip ++ the step before.
        self.up = nn.ModuleList(
            _up(
                widths[i + 1] * (1 if i == depth - 2 else 2),
                widths[i],
                large=i < LARGE_MAPS,
                residual_blocks=blocks,
            )
            for i in range(depth - 1)
        )
        self.to_frame = Doubling(
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(2 * widths[0], 5 if options.warp else 3, 3, padding=1),
            nn.Identity() if options.warp else _FrameSigmoid(),
        )
        if options.warp:
            # The drawing alone says much about where a warp isn't enough.
            self.from_drawing = nn.Conv2d(options.drawn_channels - 3, 5, 3, padding=1, bias=False)
            self.sigmoid = _FrameSigmoid()
            # Training starts near the warped face; weights of 0 here would teach the net nothing.
            nn.init.zeros_(self.from_drawing.weight)
            nn.init.zeros_(self.to_frame[1].bias)
            nn.init.constant_(self.to_frame[1].bias[3:], _OPEN_AT_FIRST)
        shallowest = range(ATTENDED_MAPS)
        deepest_up = range(depth - 1 - ATTENDED_MAPS, depth - 1)
        attended_up = shallowest if options.placement == "shallow" else deepest_up
        self.attend_down = nn.ModuleList(
            _attend(widths[i], options, i in shallowest) for i in range(depth)
        )
        self.attend_up = nn.ModuleList(
            _attend(widths[i], options, i in attended_up) for i in range(depth - 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Frame [B, 3, S, S] in [0, 1] for images in [0, 1]; S divisible by 2^len(widths).

        Images are drawing ++ reference [B, 6, S, S] (with `inputs="areas"` 10 channels, with
        "edges" 18), and with `warp` behind them the warped reference [B, 3, S, S].
        """
        return self.paint(images).frame

    def paint(self, images: Tensor) -> "Painting":
        """The frame as `forward`, and of a net with `warp` what it is made of."""
        self._check(images)
        features = given = images.to(next(self.parameters()).dtype)
        encoder_maps: list[Tensor] = []
        for down, attend in zip(self.down, self.attend_down, strict=True):
            features = attend(down(features))  # [B, widths[i], S/2^(i+1), S/2^(i+1)]
            encoder_maps.append(features)

        features = encoder_maps.pop()  # the bottleneck
        for up, attend in zip(reversed(self.up), reversed(self.attend_up), strict=True):
            features = attend(up(features))  # [B, widths[i], S/2^(i+1), S/2^(i+1)]
            features = torch.cat([encoder_maps.pop(), features], dim=1)  # [B, 2 widths[i], ...]
        made = self.to_frame(features)
        if not self.options.warp:
            return Painting(made)
        drawn = self.options.drawn_channels
        made = self.sigmoid(made + self.from_drawing(given[:, : drawn - 3]))
        reference, warped = images[:, drawn - 3 : drawn], images[:, drawn:]
        change, still, mask = made.to(images.dtype).split([3, 1, 1], dim=1)
        found = warped + still * (reference - warped)
        start = found
        if self.options.inputs == "areas":
            inside = images[:, MOUTH_AREA].sum(dim=1, keepdim=True).clamp(max=1)
            start = found + inside * (0.5 - found)
        painted = (start + 2 * change - 1).clamp(0, 1)
        return Painting(found + mask * (painted - found), painted, found, still, mask)

    def _check(self, images: Tensor) -> None:
        height, width = images.shape[-2:]
        multiple, channels = 2 ** len(self.options.widths), self.options.input_channels
        if images.shape[1] != channels or height % multiple or width % multiple:
            raise ValueError(
                f"the translator takes [B, {channels}, S, S] with S a multiple of "
                f"{multiple} ({len(self.options.widths)} widths); got {list(images.shape)}"
            )


def build_translator(options: TranslatorOptions, *, seed: int = 0) -> UNet:
    """A new translator with random weights from `seed`, laid out channels last for speed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet(options).to(memory_format=torch.channels_last)
