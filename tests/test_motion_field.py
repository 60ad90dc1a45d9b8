"""The motion field: nets against their formulas in NumPy, warps against autograd, its training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy_layers import (
    Weights,
    batch_norm,
    conv,
    randomise_batch_norms,
    relu,
    sigmoid,
    softmax,
    weights_of,
)
from scipy.ndimage import gaussian_filter, map_coordinates
from test_translator_data import clips

from emohead.motion.dense import DenseMotion, Motion, local_flows
from emohead.motion.field import MotionField, build_field
from emohead.motion.generator import Generator
from emohead.motion.grids import grid, inverse, shrink
from emohead.motion.keypoints import KeypointDetector, Keypoints
from emohead.motion.losses import equivariance, landmark_places
from emohead.motion.options import MotionFieldLossOptions, MotionFieldOptions
from emohead.motion.render import find_keypoints, move_face
from emohead.motion.task import MotionFieldTask
from emohead.motion.warps import Warp
from emohead.training.loop import fit
from emohead.training.options import Recipe, Runtime
from emohead.translator.data import training_loader, validation_loader

SHAPE = {"grid_size": 16, "width": 4, "max_width": 8, "levels": 2}


def trained(module: torch.nn.Module) -> torch.nn.Module:
    """With weights of which none is 0 or 1, so that leaving one out shows."""
    torch.manual_seed(0)
    for value in module.parameters():
        torch.nn.init.normal_(value, std=0.3)
    randomise_batch_norms(module)
    return module.eval()


def images(count: int = 2, size: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def keypoints(count: int = 2, number: int = 3, seed: int = 2) -> Keypoints:
    draw = torch.Generator().manual_seed(seed)
    places = torch.rand(count, number, 2, generator=draw) * 1.2 - 0.6
    jacobians = torch.eye(2) + 0.3 * torch.randn(count, number, 2, 2, generator=draw)
    return Keypoints(places, jacobians)


def step(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    """Convolution, normalisation, ReLU."""
    return relu(batch_norm(conv(x, w, f"{name}.0"), w, f"{name}.1"))


def halved(x: np.ndarray) -> np.ndarray:
    return x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).mean(axis=(3, 5))


def doubled(x: np.ndarray) -> np.ndarray:
    return x.repeat(2, axis=2).repeat(2, axis=3)


def hourglass_by_formula(x: np.ndarray, w: Weights, name: str, levels: int) -> np.ndarray:
    passed = [x]
    for level in range(levels):
        passed.append(halved(step(passed[-1], w, f"{name}.downs.{level}.convolution")))
    x = passed.pop()
    for level in range(levels):
        up = step(doubled(x), w, f"{name}.ups.{level}.convolution")
        x = np.concatenate([up, passed.pop()], axis=1)
    return x


def shrunk_by_scipy(x: np.ndarray, every: int) -> np.ndarray:
    sigma = (every - 1) / 2
    smooth = gaussian_filter(x, (0, 0, sigma, sigma), mode="nearest", truncate=4)
    return smooth[:, :, ::every, ::every]


def sampled_by_scipy(picture: np.ndarray, places: np.ndarray, mode: str = "grid-constant"):
    """[C, H, W] at places [H', W', 2] from -1 to 1."""
    rows, columns = ((places[..., i] + 1) / 2 * (picture.shape[1] - 1) for i in (1, 0))
    return np.stack([map_coordinates(c, [rows, columns], order=1, mode=mode) for c in picture])


def test_sizes_are_those_of_first_order_motion_for_faces():
    """59.8 million: 14.2, 37.7 and 7.85, as its config/vox-256.yaml makes them."""
    with torch.device("meta"):
        field = MotionField(MotionFieldOptions())
    parts = (field.detector, field.dense, field.generator)
    millions = [sum(p.numel() for p in part.parameters()) / 1e6 for part in parts]
    assert [round(m, 2) for m in millions] == [14.22, 37.73, 7.85]
    assert round(sum(millions), 1) == 59.8


@pytest.mark.parametrize("every", [2, 4, 8])
def test_pictures_are_smoothed_before_they_shrink(every):
    torch.testing.assert_close(
        shrink(images(), every).double().numpy(),
        shrunk_by_scipy(images().double().numpy(), every),
        rtol=0,
        atol=1e-5,
    )


def test_detector_by_formula():
    detector = trained(KeypointDetector(3, **SHAPE))
    w = weights_of(detector)
    features = hourglass_by_formula(
        shrunk_by_scipy(images().double().numpy(), 2), w, "hourglass", 2
    )  # [2, 7, 16, 16]
    # Without padding: the inner 10 x 10 of what a padded convolution gives.
    logits = conv(features, w, "heatmaps")[:, :, 3:-3, 3:-3].reshape(2, 3, 100)
    maps = conv(features, w, "jacobians")[:, :, 3:-3, 3:-3].reshape(2, 3, 4, 100)
    heat = softmax(logits / 0.1 - (logits / 0.1).max(axis=-1, keepdims=True), axis=-1)
    steps = np.linspace(-1, 1, 16)[3:-3]
    x, y = np.tile(steps, 10), np.repeat(steps, 10)
    found = detector(images())
    places = np.stack([(heat * x).sum(-1), (heat * y).sum(-1)], axis=-1)
    jacobians = (heat[:, :, None] * maps).sum(-1).reshape(2, 3, 2, 2)
    np.testing.assert_allclose(found.places.detach(), places, atol=2e-3)
    np.testing.assert_allclose(found.jacobians.detach(), jacobians, atol=2e-3)


def test_jacobians_begin_as_the_identity():
    found = KeypointDetector(3, **SHAPE)(images())
    torch.testing.assert_close(found.jacobians, torch.eye(2).expand(2, 3, 2, 2))


def test_local_flows_by_formula():
    source, driving = keypoints(seed=3), keypoints(seed=4)
    flows = local_flows(grid(5, 6, source.places), source, driving).double().numpy()
    z = np.stack(np.meshgrid(np.linspace(-1, 1, 6), np.linspace(-1, 1, 5)), axis=-1)
    assert flows.shape == (2, 4, 5, 6, 2)
    for b in range(2):
        np.testing.assert_allclose(flows[b, 0], z, atol=1e-6)
        for k in range(3):
            s, d = source.places[b, k].numpy(), driving.places[b, k].numpy()
            turn = source.jacobians[b, k].numpy() @ np.linalg.inv(driving.jacobians[b, k].numpy())
            for i in range(5):
                for j in range(6):
                    moved = s + turn @ (z[i, j] - d)
                    np.testing.assert_allclose(flows[b, k + 1, i, j], moved, atol=1e-4)


def test_dense_motion_by_formula():
    dense = trained(DenseMotion(3, **SHAPE))
    w, source, driving = weights_of(dense), keypoints(seed=3), keypoints(seed=4)
    motion = dense(images(), source, driving)
    small = shrunk_by_scipy(images().double().numpy(), 2)
    flows = local_flows(grid(16, 16, source.places), source, driving).double().numpy()
    z = flows[0, 0]

    def bell(at: torch.Tensor) -> np.ndarray:
        return np.exp(-((z - at.double().numpy()) ** 2).sum(-1) / 0.02)

    channels = []
    for b in range(2):
        bells = [np.zeros((16, 16))]
        bells += [bell(driving.places[b, k]) - bell(source.places[b, k]) for k in range(3)]
        warped = [sampled_by_scipy(small[b], flows[b, k]) for k in range(4)]
        channels.append(np.concatenate([[h, *p] for h, p in zip(bells, warped, strict=True)]))
    features = hourglass_by_formula(np.stack(channels), w, "hourglass", 2)
    weights = softmax(conv(features, w, "mask"), axis=1)
    np.testing.assert_allclose(
        motion.flow.detach(), (weights[..., None] * flows).sum(axis=1), atol=2e-3
    )
    np.testing.assert_allclose(
        motion.occlusion.detach(), sigmoid(conv(features, w, "occlusion")), atol=2e-3
    )


def test_generator_by_formula():
    generator = trained(Generator((3, 4), 2))
    w, x = weights_of(generator), images(1)
    places = grid(16, 16, x).double().numpy() * 0.9 + 0.05
    occlusion = np.linspace(0, 1, 256).reshape(1, 1, 16, 16)
    motion = Motion(torch.tensor(places[None]).float(), torch.tensor(occlusion).float())
    features = step(x.double().numpy(), w, "encoder.0")
    features = halved(step(features, w, "encoder.1.convolution"))
    features = sampled_by_scipy(features[0], places)[None] * occlusion
    for block in range(2):
        inside = features
        for number in (0, 3):
            name = f"decoder.{block}.layers"
            inside = relu(batch_norm(inside, w, f"{name}.{number}"))
            inside = conv(inside, w, f"{name}.{number + 2}")
        features = features + inside
    features = step(doubled(features), w, "decoder.2.convolution")
    np.testing.assert_allclose(
        generator(x, motion).detach(), sigmoid(conv(features, w, "last")), atol=1e-4
    )


def test_places_are_in_float32_where_networks_are_in_bf16():
    """A quarter of a pixel lies between two bf16 near 1."""
    source, driving, warp = keypoints(seed=3), keypoints(seed=4), warps()
    places = grid(8, 8, source.places)

    def all_places() -> list[torch.Tensor]:
        flows = local_flows(places, source, driving)
        return [flows, warp.at(source.places), *equivariance(source, driving, warp)]

    exact = all_places()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = all_places()
    for a, b in zip(exact, rounded, strict=True):
        assert torch.equal(a, b)


def test_inverses_in_closed_form():
    matrices = keypoints(50, 10).jacobians
    expected = np.linalg.inv(matrices.double().numpy())
    good = np.abs(np.linalg.det(matrices.numpy())) > 0.01
    np.testing.assert_allclose(inverse(matrices)[good], expected[good], rtol=1e-3, atol=1e-3)


def test_an_inverse_of_nothing_is_finite_and_so_is_its_gradient():
    matrices = torch.tensor([[[0.0, 0], [0, 0]], [[1, 1], [1, 1]]], requires_grad=True)
    found = inverse(matrices)
    found.sum().backward()
    assert found.isfinite().all() and matrices.grad.isfinite().all()


def warps(count: int = 2) -> Warp:
    return Warp.draw(count, affine=0.2, tps=0.1, generator=torch.Generator().manual_seed(5))


def test_warps_by_formula():
    warp, places = warps(), keypoints().places
    steps = np.linspace(-1, 1, 5)
    for b in range(2):
        for place, found in zip(places[b].numpy(), warp.at(places)[b].numpy(), strict=True):
            bent = 0.0
            for number, (y, x) in enumerate((y, x) for y in steps for x in steps):
                away = abs(place[0] - x) + abs(place[1] - y)
                bent += float(warp.weights[b, number]) * away**2 * np.log(away + 1e-6)
            affine = warp.affine[b].numpy()
            np.testing.assert_allclose(
                found, affine[:, :2] @ place + affine[:, 2] + bent, atol=1e-5
            )


def test_derivatives_of_warps_are_autograds():
    warp = Warp(*(each.double() for each in warps()))
    places = keypoints().places.double()
    for b in range(2):
        one = Warp(*(each[b : b + 1] for each in warp))
        for n in range(3):
            by_autograd = torch.autograd.functional.jacobian(
                lambda place, one=one: one.at(place[None, None])[0, 0], places[b, n]
            )
            torch.testing.assert_close(warp.jacobian(places)[b, n], by_autograd)


def test_a_warped_picture_shows_what_lies_where_its_places_go():
    warp, pictures = warps(1), images(1)
    places = warp.at(grid(32, 32, pictures).flatten(0, 1)[None]).reshape(32, 32, 2)
    inside = places.abs().amax(-1).numpy() < 1
    expected = sampled_by_scipy(pictures[0].numpy(), places.numpy())
    np.testing.assert_allclose(warp.of(pictures)[0][:, inside], expected[:, inside], atol=1e-4)


def test_keypoints_that_follow_a_warp_cost_nothing():
    warp, warped = warps(), keypoints()
    found = Keypoints(warp.at(warped.places), warp.jacobian(warped.places) @ warped.jacobians)
    places, jacobians = equivariance(found, warped, warp)
    assert places < 1e-6 and jacobians < 1e-3
    places, jacobians = equivariance(warped, warped, warp)
    assert places > 0.05 and jacobians > 0.1


def test_places_of_landmarks():
    landmarks = torch.zeros(1, 68, 2)
    landmarks[0, 30] = torch.tensor([127.0, 63.5])
    landmarks[0, [51, 62]] = torch.tensor([[0.0, 10], [127, 20]])
    found = landmark_places(landmarks, 128)[0]
    torch.testing.assert_close(found[4], torch.tensor([1.0, 0]))
    torch.testing.assert_close(found[7], torch.tensor([0, 15 / 127 * 2 - 1]))


SMALL = MotionFieldOptions(
    keypoint_grid=16, keypoint_width=4, dense_grid=16, dense_width=4, max_width=8, levels=2,
    generator_widths=(4, 8), residual_blocks=1,
)  # fmt: skip


def test_a_face_is_moved_frame_by_frame_as_in_one_batch():
    field = trained(build_field(SMALL))
    draw = np.random.default_rng(0)
    frames = draw.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    found = find_keypoints(field, frames, batch_size=2)
    made = np.stack(list(move_face(field, frames[0], found, batch_size=3)))
    pictures = torch.from_numpy(frames).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        at = field.detector(pictures[:1].expand(5, -1, -1, -1))
        expected = field.move(pictures[:1].expand(5, -1, -1, -1), at, field.detector(pictures))
    expected = (expected * 255).round().permute(0, 2, 3, 1).numpy()
    assert np.abs(made.astype(int) - expected).max() <= 1


def test_training_learns_to_move_a_square():
    """Frames of one bright square on grey: after some steps its place is the driving frame's."""
    torch.manual_seed(0)
    loss = MotionFieldLossOptions(vgg_width=0.125, sizes=2)
    task = MotionFieldTask(SMALL, loss, seed=0).train()
    adam = torch.optim.Adam(task.parameters(), 3e-3)
    draw, losses = np.random.default_rng(0), []
    for _ in range(60):
        figures = task(squares(draw))
        figures["loss"].backward()
        adam.step()
        adam.zero_grad()
        losses.append(float(figures["perceptual"].detach()))
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def squares(draw: np.random.Generator) -> tuple[torch.Tensor, ...]:
    frames = np.full((4, 2, 3, 32, 32), 90, np.uint8)
    for pair in frames:
        for frame in pair:
            x, y = draw.integers(4, 20, 2)
            frame[:, y : y + 8, x : x + 8] = 240
    pictures = torch.from_numpy(frames)
    drawn_and_source = torch.cat([torch.zeros_like(pictures[:, 0]), pictures[:, 0]], dim=1)
    return drawn_and_source, pictures[:, 1], torch.full((4, 2, 68, 2), 16.0)


def test_warm_start_ends():
    """Its weight falls to 0: from then on the landmarks say nothing."""
    loss = MotionFieldLossOptions(vgg_width=0.125, sizes=1, warm_start=2)
    task = MotionFieldTask(SMALL, loss, seed=0).train()
    batch = squares(np.random.default_rng(0))
    elsewhere = (*batch[:2], batch[2] + 9)
    differences = []
    for step in range(4):
        task.set_step(step)
        told = []
        for each in (batch, elsewhere):
            torch.manual_seed(0)
            told.append(float(task(each)["loss"].detach()))
        differences.append(abs(told[0] - told[1]))
    assert differences[0] > differences[1] > 0
    assert differences[2:] == [0, 0]


@pytest.mark.parametrize("step", [0, 2, 3])
def test_the_first_steps_are_on_pictures_of_half_the_size(step):
    loss = MotionFieldLossOptions(vgg_width=0.125, sizes=1, half_size=3)
    task = MotionFieldTask(SMALL, loss, seed=0).train()
    task.set_step(step)
    sizes = []
    task.pyramid.register_forward_pre_hook(lambda _, shown: sizes.append(shown[0].shape[-1]))
    task(squares(np.random.default_rng(0)))
    assert sizes == [16 if step < 3 else 32]


def fitted(state: Path, epochs: int) -> MotionFieldTask:
    recipe = Recipe(epochs=epochs, batch_size=4, learning_rate=3e-3)
    loss = MotionFieldLossOptions(vgg_width=0.05, sizes=1, warm_start=8, half_size=7)
    task = MotionFieldTask(SMALL, loss, seed=0)
    fit(
        task,
        training_loader(clips(), batch_size=4, seed=0, points=True),
        validation_loader(clips(), batch_size=4, points=True),
        recipe, Runtime(), seed=0, state=state,
    )  # fmt: skip
    return task


def test_training_resumes_to_the_bit(tmp_path: Path):
    """In the middle of the warm start and of small pictures, too: both go by the step."""
    unbroken = fitted(tmp_path / "unbroken", 4)
    fitted(tmp_path / "broken", 2)
    torch.rand(7)  # another process has another random state
    resumed = fitted(tmp_path / "broken", 4)
    for name, value in unbroken.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
