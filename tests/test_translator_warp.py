"""The warp: against SciPy's thin-plate spline and interpolation, and what a net makes of it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates
from skimage.transform import SimilarityTransform

from emohead.translator import warp
from emohead.translator.inference import for_inference
from emohead.translator.losses import TranslatorLoss, TranslatorLossOptions
from emohead.translator.render import translate, warp_alone
from emohead.translator.task import TranslatorTask
from emohead.translator.unet import Painting, TranslatorOptions, build_translator
from emohead.translator.warp import head_motion, warp_face, with_warped

SIZE = 64
OPTIONS = TranslatorOptions(widths=(8, 8, 8, 8, 8), residual_blocks=1, warp=True)


def faces(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smooth pictures [B, S, S, 3] in 0..255, and landmarks [B, 68, 2] before and after."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    waves = [np.sin(2 * np.pi * (a * x + b * y + c)) for a, b, c in random.uniform(-2, 2, (6, 3))]
    pictures = 127 + 100 * np.stack([np.stack(waves[i : i + 3], -1) for i in range(count)])
    reference = random.uniform(0.2, 0.8, (count, 68, 2)) * SIZE
    return pictures, reference, reference + random.normal(0, 1.5, (count, 68, 2))


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    """Pictures [B, S, S, 3] channels first, the rest as it is; float32."""
    return [
        torch.from_numpy(each).float().permute(*((0, 3, 1, 2) if each.ndim == 4 else (0, 1, 2)))
        for each in arrays
    ]


def by_scipy(picture: np.ndarray, target: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """One face by RBFInterpolator on the nodes, and look-ups with bicubic kernels."""
    target, reference = target / (SIZE - 1), reference / (SIZE - 1)
    calm = list(warp.CALM_POINTS)
    head = SimilarityTransform.from_estimate(reference[calm], target[calm])
    border = [(x / 4, y / 4) for x in range(5) for y in range(5) if {x, y} & {0, 4}]
    fixed = np.array([*warp._CROWN, *border])
    follow = np.array([1.0] * len(warp._CROWN) + [warp.follow_at(y) for _, y in border])
    moved = fixed + follow[:, None] * (head(fixed) - fixed)
    slack = np.full(len(target) + len(fixed), warp._SLACK)
    slack[:17] = warp._SLACK_OF_JAW
    spline = RBFInterpolator(
        np.vstack([target, moved]), np.vstack([reference - target, fixed - moved]),
        kernel="thin_plate_spline", smoothing=slack / 2,  # of r^2 log r, not of log r^2
    )  # fmt: skip
    steps = np.linspace(0, 1, warp._NODES)
    nodes = spline(np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2))
    rows, columns = np.mgrid[:SIZE, :SIZE] / (SIZE - 1)
    shifts = [
        map_coordinates(
            each.reshape(warp._NODES, -1), [(warp._NODES - 1) * at for at in (rows, columns)],
            order=1, mode="nearest",
        )
        for each in nodes.T
    ]  # fmt: skip
    y, x = ((at + shift) * (SIZE - 1) for at, shift in ((rows, shifts[1]), (columns, shifts[0])))
    made = cv2.remap(
        picture.astype(np.float32), x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return made.clip(picture.min(), picture.max())


def test_it_is_the_thin_plate_spline():
    pictures, reference, target = faces(3)
    made = warp_face(*tensors(pictures, target, reference)).permute(0, 2, 3, 1).numpy()
    for i in range(3):
        wanted = by_scipy(pictures[i], target[i], reference[i])
        assert np.abs(wanted - pictures[i]).mean() > 5
        np.testing.assert_allclose(made[i], wanted, atol=0.5)


def test_landmarks_that_stay_leave_the_face_as_it_is():
    pictures, reference, _ = faces(1)
    face, points = tensors(pictures, reference)
    torch.testing.assert_close(warp_face(face, points, points), face, atol=0.02, rtol=0)


def test_lips_that_meet_are_no_trouble():
    pictures, reference, target = faces(1)
    target[:, 61:64] = target[:, [67, 66, 65]]  # the inner lips, closed
    made = warp_face(*tensors(pictures, target, reference))
    assert made.isfinite().all()
    assert made.min() >= pictures.min() - 0.01 and made.max() <= pictures.max() + 0.01


def test_a_pictures_neighbours_in_the_batch_are_nothing_to_it():
    pictures, reference, target = faces(2)
    pictures[0] = np.where(pictures[0] > 127, 40, 10)  # dark, with edges to overshoot at
    pictures[1] += 100
    dark_and_bright = tensors(pictures, target, reference)
    made = warp_face(*dark_and_bright)
    for i in range(2):
        alone = warp_face(*(each[i : i + 1] for each in dark_and_bright))
        torch.testing.assert_close(made[i : i + 1], alone, atol=0.02, rtol=0)
    assert made[0].min() >= 10 and made[0].max() <= 40


def test_the_heads_motion_is_the_similarity_of_calm_points():
    _, reference, target = faces(2)
    reference[:, 48:68] += 1000  # the mouth counts for nothing
    linear, shift = head_motion(*tensors(reference, target))
    calm = list(warp.CALM_POINTS)
    for i in range(2):
        wanted = SimilarityTransform.from_estimate(reference[i, calm], target[i, calm]).params
        np.testing.assert_allclose(linear[i].T, wanted[:2, :2], atol=1e-5)
        np.testing.assert_allclose(shift[i, 0], wanted[:2, 2], atol=1e-3)


def test_a_move_of_a_landmark_has_the_gradient_of_the_picture():
    pictures, reference, target = faces(1)
    face, moved, own = tensors(pictures, target, reference)
    moved.requires_grad_()
    warp_face(face, moved, own)[0, :, 30, 30].sum().backward()
    step, point = 0.05, (0, 30, 0)
    values = []
    for way in (1, -1):
        changed = moved.detach().clone()
        changed[point] += way * step
        values.append(warp_face(face, changed, own)[0, :, 30, 30].sum())
    slope = (values[0] - values[1]) / (2 * step)
    assert abs(moved.grad[point] - slope) < 0.05 * abs(slope) + 0.05


def trained(**options: str) -> torch.nn.Module:
    """A net that has statistics for its normalisations."""
    model = build_translator(replace(OPTIONS, **options), seed=0)
    with torch.no_grad():
        model.to_frame[1].weight.normal_(std=0.1)
        for _ in range(20):
            model(torch.rand(4, model.options.input_channels, SIZE, SIZE))
    return model.eval()


def given(count: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Landmarks [T, 68, 2], a face uint8 and its landmarks."""
    pictures, reference, _ = faces(1)
    random = np.random.default_rng(1)
    landmarks = reference + random.normal(0, 1.5, (count, 68, 2))
    return landmarks, pictures[0].round().astype(np.uint8), reference[0]


def only(model: torch.nn.Module, *, still: float, mask: float) -> torch.nn.Module:
    """The net with its two masks' logits at these values everywhere."""
    with torch.no_grad():
        model.to_frame[1].weight[3:] = 0
        model.to_frame[1].bias[3:] = torch.tensor([still, mask])
    return model


def test_a_new_net_gives_back_the_face_mostly_warped():
    images = torch.rand(2, 9, SIZE, SIZE)
    made = build_translator(OPTIONS, seed=0)(images)
    still = 1 / (1 + np.exp(2))
    wanted = still * images[:, 3:6] + (1 - still) * images[:, 6:]
    assert (made - wanted).abs().mean() < 0.05


def test_one_mask_chooses_between_still_and_warped_another_between_those_and_paint():
    images = torch.rand(2, 9, SIZE, SIZE)
    reference, warped = images[:, 3:6], images[:, 6:]
    with torch.no_grad():
        frame, painted, found, still, mask = trained().paint(images)
        assert mask.shape == (2, 1, SIZE, SIZE) and mask.std() > 0.001
        torch.testing.assert_close(frame, mask * painted + (1 - mask) * found)
        torch.testing.assert_close(found, still * reference + (1 - still) * warped)

        torch.testing.assert_close(only(trained(), still=-1000, mask=-1000)(images), warped)
        torch.testing.assert_close(only(trained(), still=1000, mask=-1000)(images), reference)
        model = only(trained(), still=-1000, mask=1000)
        model.to_frame[1].weight[:3] = 0
        model.to_frame[1].bias[:3] = np.log(3)  # 3/4: half a step up
        torch.testing.assert_close(model(images), (warped + 0.5).clamp(max=1))


def test_an_open_mouth_is_painted_from_grey_by_what_is_drawn():
    model = only(trained(inputs="areas"), still=-1000, mask=1000)
    images = torch.rand(2, 13, SIZE, SIZE)
    images[:, 5:7] = 0
    images[:, 5, 20:30, 20:40] = images[:, 6, 30:40, 20:40] = 1  # the mouth's halves
    with torch.no_grad():
        model.to_frame[1].weight[:3], model.to_frame[1].bias[:3] = 0, 0
        made = model(images)
        torch.testing.assert_close(made[:, :, 20:40, 20:40], torch.full((2, 3, 20, 20), 0.5))
        torch.testing.assert_close(made[:, :, 50:], images[:, 10:, 50:])
        model.from_drawing.weight[0, 5, 1, 1] = -np.log(3)  # 1/4: half a step down
        darker = model(images)
    torch.testing.assert_close(darker[:, 0, 20:30, 20:40], torch.zeros(2, 10, 20))
    torch.testing.assert_close(darker[:, 0, 30:], made[:, 0, 30:])
    torch.testing.assert_close(darker[:, 1:], made[:, 1:])


@pytest.mark.parametrize("batch_size", [2, 16])
def test_translating_warps_the_face_to_every_frames_landmarks(batch_size):
    model, (landmarks, face, own) = only(trained(), still=-1000, mask=-1000), given()
    frames = list(translate(model, landmarks, face, own, batch_size=batch_size))
    alone = list(warp_alone(landmarks, face, own, batch_size=batch_size))
    np.testing.assert_array_equal(frames, alone)
    for points, frame in zip(landmarks, frames, strict=True):
        assert np.abs(frame - by_scipy(face.astype(float), points, own)).max() < 1.5


def test_without_the_faces_landmarks_it_says_so():
    landmarks, face, _ = given()
    with pytest.raises(ValueError, match="needs the landmarks"):
        next(translate(trained(), landmarks, face))
    with pytest.raises(ValueError, match=r"\[B, 9, S, S\]"):
        trained()(torch.zeros(1, 6, SIZE, SIZE))


@pytest.mark.parametrize("bf16", [False, True])
def test_the_fast_form_makes_the_same_frames(bf16):
    model, arguments = trained(), given()
    exact = np.stack(list(translate(model, *arguments))).astype(float)
    fast = np.stack(list(translate(for_inference(model, bf16=bf16), *arguments)))
    assert np.abs(fast - exact).max() <= (6 if bf16 else 1)


def test_what_a_painting_costs():
    """By NumPy: bells about eyes, mouth and opening; the choices between two pictures each."""
    true, painted, reference, warped, still, mask = (
        torch.rand(2, c, SIZE, SIZE) for c in (3, 3, 3, 3, 1, 1)
    )
    warped[:, :, :40] = true[:, :, :40]
    found = still * reference + (1 - still) * warped
    frame = mask * painted + (1 - mask) * found
    landmarks = torch.from_numpy(faces(2)[1]).float()
    images = torch.cat([torch.rand(2, 3, SIZE, SIZE), reference, warped], dim=1)
    options = TranslatorLossOptions(perceptual=0, details=0.7, choices=0.5)
    made = Painting(frame, painted, found, still, mask)
    loss = TranslatorLoss(options)
    terms = {k: float(v) for k, v in loss.of_painting(made, images, true, landmarks).items()}

    def distance(picture: torch.Tensor) -> np.ndarray:
        return np.abs(picture.numpy() - true.numpy()).mean(1)

    choices = 0
    for share, one, other in (
        (still[:, 0].numpy(), distance(reference), distance(warped)),
        (mask[:, 0].numpy(), distance(painted) + 0.01, distance(found)),
    ):
        chosen = np.where(one < other, share, 1 - share)
        choices += (np.abs(one - other) * -np.log(chosen)).mean()
    assert terms["choices"] == pytest.approx(choices, rel=1e-4)
    y, x = np.mgrid[:SIZE, :SIZE]
    details = []
    for i in range(2):
        bells = np.full((SIZE, SIZE), 0.1)
        for first, last, width in ((36, 42, 0.05), (42, 48, 0.05), (48, 68, 0.09)):
            a, b = landmarks[i, first:last].numpy().mean(0)
            bells += np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * (width * SIZE) ** 2))
        inner = landmarks[i, 60:68].numpy()
        (a, b), (wide, high) = inner.mean(0), np.maximum(inner.std(0, ddof=1), 0.5)
        bells += 8 * np.exp(-((x - a) ** 2) / (2 * wide**2) - (y - b) ** 2 / (2 * high**2))
        both = distance(frame)[i] + distance(painted)[i]
        details.append((bells / bells.mean() * both).mean())
    assert terms["details"] == pytest.approx(np.mean(details), rel=1e-4)
    whole = terms["l1"] + 0.7 * terms["details"] + 0.5 * terms["choices"]
    assert terms["loss"] == pytest.approx(whole, rel=1e-5)
    assert terms["l1"] == pytest.approx(distance(frame).mean(), rel=1e-5)
    with pytest.raises(ValueError, match="choices is -1"):
        TranslatorLossOptions(choices=-1)


def test_a_mask_that_is_shut_still_learns_where_it_should_open():
    model = only(trained(), still=-12, mask=-12)
    with torch.no_grad():
        model.to_frame[1].bias[:3] = 3.0  # painted brighter, as the true frame is
    images, true = torch.full((2, 9, SIZE, SIZE), 0.3), torch.full((2, 3, SIZE, SIZE), 0.9)
    landmarks = torch.from_numpy(faces(2)[1]).float()
    loss = TranslatorLoss(TranslatorLossOptions(perceptual=0, details=0))
    loss.of_painting(model.paint(images), images, true, landmarks)["loss"].backward()
    still, mask = model.to_frame[1].bias.grad[3:]
    assert mask < -0.1 and still == 0


def test_a_training_step_warps_from_the_reference_to_the_frame():
    pictures, reference, target = faces(2)
    task = TranslatorTask(OPTIONS, TranslatorLossOptions(perceptual=0), seed=0).eval()
    face, goal, own = tensors(pictures, target, reference)
    drawing = torch.zeros_like(face)
    inputs = torch.cat([drawing, face.round()], 1).to(torch.uint8)
    only(task.model, still=-1000, mask=-1000)
    with torch.no_grad():
        figures = task((inputs, face.round().to(torch.uint8), torch.stack([goal, own], 1)))
    warped = with_warped(inputs.float(), goal, own)[:, 6:] / 255
    wanted = (warped - face.round() / 255).abs().mean()
    assert float(figures["l1"]) == pytest.approx(float(wanted), rel=1e-4)
