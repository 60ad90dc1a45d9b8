"""Audio2Head's keypoints from sound, pose and face at its own size: a 3-D hourglass.

Wang et al., IJCAI 2021 (modules/audio2kp.py, modules/util.py, inference.py). What a frame's sound,
its head's pose and the face are becomes six maps; 64 frames of them go down and up again in space
and time; from what comes out keypoints are read as First Order Motion reads them from a picture.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from emohead.motion.audio import Face, MotionAudio, Scale
from emohead.motion.audio_options import MotionAudioOptions
from emohead.motion.grids import grid, shrink
from emohead.motion.hourglass import Hourglass
from emohead.motion.options import KEYPOINTS
from emohead.motion.pose import pose_picture

_KERNEL = 7
_TEMPERATURE = 0.1
# Maps of sound, and with them a face and a pose.
_SOUND_MAPS, _MAPS = 2, 2 + 3 + 1


class HourglassAudio(MotionAudio):
    """Keypoints by the 3-D hourglass, of windows of frames.

    Each begins in the middle of the one before. Its middle half is used, of the first one what is
    before that, too. Behind the clip's end the sound is the mean one, and the head keeps still.
    """

    def __init__(self, options: MotionAudioOptions, sound: Scale, pose: Scale) -> None:
        super().__init__(options, sound, pose)
        self.sound_maps = nn.Sequential(
            nn.ConvTranspose2d(1, 8, (29, 14), padding=(0, 11)),  # 4 x 41 becomes 32 x 32
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, _SOUND_MAPS, 13, padding=6),
        )
        self.hourglass = Hourglass3d(
            _MAPS, options.hourglass_width, options.hourglass_max, options.hourglass_levels
        )
        border = _KERNEL // 2
        channels = self.hourglass.channels
        self.heatmaps = nn.Conv3d(channels, KEYPOINTS, _KERNEL, padding=(border, 0, 0))
        self.jacobians = nn.Conv2d(channels, 4 * KEYPOINTS, _KERNEL)
        nn.init.zeros_(self.jacobians.weight)
        with torch.no_grad():
            self.jacobians.bias.copy_(torch.tensor([1.0, 0, 0, 1]).repeat(KEYPOINTS))

    def keypoints(
        self, sound: Tensor, poses: Tensor, face: Face, lengths: Tensor, starts: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """See `MotionAudio.keypoints`; windows one after the other, so that memory is bounded."""
        clips, frames = sound.shape[:2]
        window = self.options.window
        found = poses.new_zeros(clips, frames, 6 * KEYPOINTS)
        made = torch.zeros(clips, frames, dtype=torch.bool, device=sound.device)
        inside = torch.arange(window, device=sound.device)
        windows = [(starts, inside >= 0)]  # all of it
        if starts is None:
            middle = inside < 3 * window // 4
            windows = [
                (lengths.new_full((clips,), begin), middle & (inside >= min(begin, window // 4)))
                for begin in range(0, frames, window // 2)
            ]
        for begins, used in windows:
            places = begins[:, None] + inside  # [B, W]
            keypoints = self._window(sound, poses, face, lengths, places)
            rows, columns = (used & (places < lengths[:, None])).nonzero(as_tuple=True)
            at = rows, places[rows, columns]
            found = found.index_put(at, keypoints[rows, columns])
            made[at] = True
        return found, made

    def _window(
        self, sound: Tensor, poses: Tensor, face: Face, lengths: Tensor, places: Tensor
    ) -> Tensor:
        """Keypoints [B, W, 6 K] of the frames `places` [B, W] of clips."""
        size, side = face.picture.shape[-1], self.options.hourglass_grid
        count = places.shape[1]
        known = torch.minimum(places, lengths[:, None] - 1)
        each = torch.arange(len(places), device=places.device)[:, None]
        heard = sound[each, known] * (places < lengths[:, None])[..., None, None]
        maps = self.sound_maps(heard.flatten(0, 1)[:, None])
        maps = functional.interpolate(maps, size=(side, side)).unflatten(0, (-1, count))
        pictures = self._draw(poses[each, known], size)
        pictures = shrink(pictures.flatten(0, 1)[:, None], size // side).unflatten(0, (-1, count))
        faces = shrink(face.picture, size // side)[:, None].expand(-1, count, -1, -1, -1)
        seen = torch.cat([maps.to(faces.dtype), faces, pictures], dim=2)  # [B, W, 6, G, G]
        features = self.hourglass(seen.transpose(1, 2))
        heat = self.heatmaps(features).transpose(1, 2).flatten(0, 1)
        turns = self.jacobians(features.transpose(1, 2).flatten(0, 1))
        with torch.autocast(sound.device.type, enabled=False):
            return _read(heat.float(), turns.float(), side).unflatten(0, (-1, count))

    def _draw(self, poses: Tensor, size: int) -> Tensor:
        """Pictures [B, W, S, S] in [0, 1] of normalised poses."""
        told = (poses.detach() * self.pose_deviation + self.pose_mean).float().cpu().numpy()
        drawn = np.stack([pose_picture(pose, size) for pose in told.reshape(-1, told.shape[-1])])
        pictures = torch.from_numpy(drawn).to(poses.device, torch.float32) / 255
        return pictures.unflatten(0, poses.shape[:2])


def _read(heat: Tensor, turns: Tensor, side: int) -> Tensor:
    """Flat keypoints [N, 6 K] of heatmaps [N, K, H, H] and maps of Jacobians [N, 4 K, H, H].

    As `emohead.motion.keypoints` reads them, whose cells along the border have none.
    """
    border = _KERNEL // 2
    places = grid(side, side, heat)[border : side - border, border : side - border]
    weights = (heat.flatten(2) / _TEMPERATURE).softmax(dim=-1)
    jacobians = torch.einsum("nkp,nkcp->nkc", weights, turns.flatten(2).unflatten(1, (-1, 4)))
    return torch.cat([(weights @ places.flatten(0, 1)).flatten(1), jacobians.flatten(1)], dim=-1)


class Residual3d(nn.Module):
    """x and two convolutions of it, each behind normalisation and ReLU; then both once more."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *(
                layer
                for _ in range(2)
                for layer in (
                    nn.BatchNorm3d(channels), nn.ReLU(), nn.Conv3d(channels, channels, 3, padding=1)
                )
            )
        )  # fmt: skip
        self.norm = nn.BatchNorm3d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Takes [B, C, T, H, W]."""
        return functional.relu(self.norm(features + self.convolutions(features)))


class Down3d(nn.Sequential):
    """Half the length and size, behind a residual block."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(Residual3d(inside), _convolution(inside, outside), nn.AvgPool3d(2))


class Up3d(nn.Sequential):
    """Twice the length and size, and a residual block."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(
            nn.Upsample(scale_factor=2), _convolution(inside, outside), Residual3d(outside)
        )


def _convolution(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(inside, outside, 3, padding=1), nn.BatchNorm3d(outside), nn.ReLU()
    )


class Hourglass3d(Hourglass):
    """First Order Motion's hourglass in time and space, residual blocks everywhere."""

    down, up, skip = Down3d, Up3d, Residual3d
