import contextlib
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import TensorDataset

from emohead.training import (
    Diverged,
    EpochLoader,
    SeededShuffle,
    TrainingTask,
    TrainOptions,
    fit,
    save_training,
    training_state,
)
from emohead.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from emohead.training.checks import FiniteCheck

EPOCHS, BATCHES = 4, 4
STEPS = EPOCHS * BATCHES


def options(**changed) -> TrainOptions:
    given = {"epochs": EPOCHS, "batch_size": 4, "learning_rate": 0.05, "decay": 0.5}
    given |= {"device": "cpu", "checkpoint_minutes": 0, "validation": 0.3}
    return TrainOptions(**{**given, **changed})


class Line(TrainingTask):
    """y = w x with dropout; dies before step `dies_at` (from 0), as a killed process would."""

    unit = "points"

    def __init__(self, dies_at: int | None = None):
        super().__init__()
        torch.manual_seed(1)
        self.model = torch.nn.Linear(3, 1)
        self.steps, self.dies_at = 0, dies_at

    def forward(self, batch):
        if self.training:
            if self.steps == self.dies_at:
                raise KeyboardInterrupt
            self.steps += 1
        x, y = batch
        error = self.model(torch.dropout(x, 0.3, self.training)) - y
        return {"loss": error.square().mean(), "bias": error.mean()}


def points(size: int = 14) -> TensorDataset:
    """14 points make three batches of 4 and one of 2."""
    x = torch.randn(size, 3, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, x @ torch.tensor([[1.0], [-2.0], [0.5]]))


def data(workers: int = 0) -> EpochLoader:
    return EpochLoader(points(), SeededShuffle(14, seed=5), 4, workers=workers)


def held_out() -> EpochLoader:
    return EpochLoader(points(6), range(6), 4)


def trained(task: Line, state, workers: int = 0, **changed) -> pd.DataFrame:
    return fit(task, data(workers), held_out(), options(**changed), seed=7, state=state)


def assert_equal(a: torch.nn.Module, b: torch.nn.Module) -> None:
    for one, other in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Line, pd.DataFrame]:
    task = Line()
    return task, trained(task, tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("dies_at", range(1, STEPS))
def test_resumed_training_equals_an_undisturbed_one(undisturbed, tmp_path, dies_at):
    with pytest.raises(KeyboardInterrupt):
        trained(Line(dies_at), tmp_path)
    torch.rand(100)  # another process has another random state
    resumed = Line()
    history = trained(resumed, tmp_path)
    assert resumed.steps == STEPS - dies_at
    assert_equal(undisturbed[0], resumed)
    pd.testing.assert_frame_equal(
        history.drop(columns="seconds"), undisturbed[1].drop(columns="seconds"), check_exact=True
    )


def test_resumed_training_with_workers_sees_the_same_batches(undisturbed, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(Line(dies_at=6), tmp_path, workers=2)
    resumed = Line()
    trained(resumed, tmp_path, workers=2)
    assert_equal(undisturbed[0], resumed)


def test_without_checkpoints_inside_an_epoch_its_beginning_is_gone_on_from(undisturbed, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(Line(dies_at=6), tmp_path, checkpoint_minutes=60)
    resumed = Line()
    trained(resumed, tmp_path, checkpoint_minutes=60)
    assert resumed.steps == STEPS - BATCHES
    assert_equal(undisturbed[0], resumed)


def test_history_has_the_means_over_all_samples(tmp_path):
    """With a learning rate that moves nothing, and no dropout, they are those of the data."""
    task = Line()
    x, y = points().tensors
    error = (task.model(x) - y).detach()
    task.forward = lambda batch: {
        "loss": (task.model(batch[0]) - batch[1]).square().mean(),
        "bias": (task.model(batch[0]) - batch[1]).mean(),
    }
    row = trained(task, tmp_path, epochs=1, learning_rate=1e-12).iloc[0]
    assert row["bias"] == pytest.approx(error.mean().item(), abs=1e-6)
    assert row["loss"] == pytest.approx(error.square().mean().item(), rel=1e-6)
    assert row["val_loss"] == pytest.approx(
        (task.model(points(6).tensors[0]) - points(6).tensors[1]).square().mean().item(), rel=1e-6
    )
    assert (row["epoch"], row["step"]) == (1, 4)


def test_every_epoch_has_means_of_its_own(tmp_path):
    class Counting(Line):
        def forward(self, batch):
            figures = super().forward(batch)
            return figures | {"epoch so far": torch.tensor(float((self.steps - 1) // BATCHES))}

    assert trained(Counting(), tmp_path)["epoch so far"].tolist() == [0, 1, 2, 3]


def test_adam_and_the_decay_are_those_of_the_formulas(tmp_path):
    """Adam, Kingma and Ba 2015, algorithm 1, in float64; the rate falls by the epoch."""
    task = Line()
    w = torch.cat([p.detach().double().flatten() for p in task.parameters()]).numpy()
    task.forward = lambda batch: {
        "loss": (task.model(batch[0]) - batch[1]).square().mean()
    }  # no dropout
    x, y = (t.double().numpy() for t in points(4).tensors)
    x = np.concatenate([x, np.ones((4, 1))], axis=1)
    loader = EpochLoader(points(4), range(4), 4)
    fit(task, loader, None, options(epochs=6), seed=0, state=tmp_path)
    m = v = np.zeros(4)
    for t in range(1, 7):
        g = 2 * x.T @ (x @ w - y[:, 0]) / 4
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        rate = 0.05 * 0.5 ** (t - 1)  # an epoch is one step here
        w = w - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    found = torch.cat([p.detach().flatten() for p in task.parameters()])
    np.testing.assert_allclose(found, w, rtol=1e-4)


@pytest.mark.parametrize("where", ["loss", "gradient", "validation"])
def test_a_number_that_is_none_stops_the_training_and_keeps_the_last_state(tmp_path, where):
    class Bad(Line):
        def forward(self, batch):
            figures = super().forward(batch)
            if where == "loss" and self.steps == 7:
                figures["bias"] = figures["bias"] * torch.nan
                figures["loss"] = figures["loss"] + figures["bias"]
            if where == "gradient" and self.steps == 7:
                # 0 in the sum; the root's slope at 0 is infinite
                figures["loss"] = figures["loss"] + (self.model.weight - self.model.weight).abs().sqrt().sum()  # fmt: skip # noqa: E501
            if where == "validation" and not self.training and self.steps == 8:
                figures["loss"] = figures["loss"] * torch.inf
            return figures

    sentence = {
        "loss": "epoch 2, step 3: bias is nan. Lower train.learning_rate",
        "gradient": "epoch 2, step 3: the gradient's norm is nan. Lower train.learning_rate",
        "validation": "validation of epoch 2: val_loss is inf. Lower train.learning_rate",
    }[where]
    with pytest.raises(Diverged, match=sentence):
        trained(Bad(), tmp_path)
    resumed = Line()
    history = trained(resumed, tmp_path)
    assert resumed.steps == STEPS - (6 if where != "validation" else 8)
    assert np.isfinite(history.to_numpy()).all()


def test_a_full_gpu_is_told_from_other_errors(tmp_path):
    class Large(Line):
        def forward(self, batch):
            raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(torch.OutOfMemoryError) as error:
        trained(Large(), tmp_path)
    assert "Lower train.batch_size (it is 4)" in error.value.__notes__[0]


def test_steps_are_looked_at_together_where_looking_costs():
    """A GPU isn't made to wait at every step; the first bad one is named all the same."""
    check = FiniteCheck(options(), "32-true", every=5)
    values = [1.0, 2.0, float("inf"), float("nan")]
    for batch, value in enumerate(values):
        check.note(0, batch, {"loss": torch.tensor(value), "l1": torch.tensor(1.0)})
    with pytest.raises(Diverged, match="epoch 1, step 3: loss is inf"):
        check.note(0, 4, {"loss": torch.tensor(1.0), "l1": torch.tensor(1.0)})
    check.note(0, 5, {"loss": torch.tensor(float("nan"))})
    with pytest.raises(Diverged, match="epoch 1, step 6: loss is nan"):
        check.look()  # before a state is saved
    check.look()


def test_dropout_differs_from_step_to_step(tmp_path):
    draws = []

    class Drawing(Line):
        def forward(self, batch):
            if self.training:
                draws.append(torch.rand(3).tolist())
            return super().forward(batch)

    trained(Drawing(), tmp_path)
    assert len({tuple(draw) for draw in draws}) == STEPS


@pytest.mark.parametrize("first_ends", ["well", "killed", "without its outputs"])
def test_a_second_process_waits_for_the_first(undisturbed, tmp_path, capsys, first_ends):
    """And has nothing to do, goes on from what is left, or begins."""
    first, second = Line(dies_at=6 if first_ends == "killed" else None), Line()
    model = tmp_path / "model.pt"

    def later() -> None:
        with (
            contextlib.suppress(SystemExit),
            training_state(tmp_path / "state", {"lr": 1}, outputs=[model]) as state,
        ):
            trained(second, state, keep="best")
            model.write_text("second")

    thread = threading.Thread(target=later)
    with (
        contextlib.suppress(KeyboardInterrupt),
        training_state(tmp_path / "state", {"lr": 1}, outputs=[model]) as state,
    ):
        thread.start()
        said = ""
        while "another process has this training" not in said:
            thread.join(0.01)
            assert thread.is_alive()
            said += capsys.readouterr().out
        trained(first, state, keep="best")
        if first_ends == "well":
            model.write_text("first")
    thread.join()
    assert model.read_text() == ("first" if first_ends == "well" else "second")
    steps = {"well": 0, "killed": STEPS - 6, "without its outputs": STEPS}
    assert second.steps == steps[first_ends]
    assert not list((tmp_path / "state").iterdir())


def test_bf16_is_named_where_it_may_be_the_cause(tmp_path):
    class Bad(Line):
        def forward(self, batch):
            return {"loss": super().forward(batch)["loss"] * torch.nan}

    with pytest.raises(Diverged, match=r"train.precision to 32-true \(it is bf16-mixed\)"):
        trained(Bad(), tmp_path, precision="bf16-mixed")


class Turning(Line):
    """Weights 1, 2, 3, ... by the epoch, and a validation loss that is least in epoch 3."""

    def forward(self, batch):
        figures = super().forward(batch)
        if not self.training:
            with torch.no_grad():
                epoch = self.steps // BATCHES
                self.model.bias.fill_(epoch)
                figures["loss"] = torch.tensor(float(abs(epoch - 3)))
        return figures


def test_best_weights_are_kept_and_patience_ends(tmp_path):
    last, best = Turning(), Turning()
    history = trained(last, tmp_path / "last", epochs=9, patience=2)
    assert history["val_loss"].tolist() == [2, 1, 0, 1, 2]
    assert last.model.bias.item() == 5
    trained(best, tmp_path / "best", epochs=9, patience=2, keep="best")
    assert best.model.bias.item() == 3
    # Started again after its end: the same, without a step.
    again = Turning()
    assert len(trained(again, tmp_path / "best", epochs=9, patience=2, keep="best")) == 5
    assert (again.steps, again.model.bias.item()) == (0, 3)


@pytest.mark.parametrize("wish", [{"keep": "best"}, {"patience": 3}])
def test_best_and_patience_want_a_validation_part(tmp_path, capsys, wish):
    with pytest.raises(ValueError, match=r"train\.validation is 0"):
        options(validation=0, **wish)
    # Of few clips none may be held out: that is said, and the training ends as without the wish.
    plain, wishing = Line(), Line()
    fit(plain, data(), None, options(), seed=7, state=tmp_path / "plain")
    assert "no clips to validate on" not in capsys.readouterr().out
    fit(wishing, data(), None, options(**wish), seed=7, state=tmp_path / "wishing")
    assert "no clips to validate on" in capsys.readouterr().out
    assert_equal(plain, wishing)


def left_behind(folder) -> Path:
    """The state of a training that was killed before it began."""
    with contextlib.suppress(KeyboardInterrupt), training_state(folder, 1, outputs=()) as state:
        raise KeyboardInterrupt
    return state


def test_a_half_written_state_of_a_killed_process_is_swept_away(tmp_path):
    left = left_behind(tmp_path) / ".last.unfinished-12345.ckpt"
    left.write_bytes(b"half")
    with training_state(tmp_path, 1, outputs=()) as state:
        assert left.parent == state
        assert not left.exists()


def test_a_removal_that_was_broken_off_leaves_a_beginning(tmp_path, monkeypatch):
    """Not a training at its end whose best weights are gone."""
    with (
        pytest.raises(KeyboardInterrupt),
        monkeypatch.context() as patch,
        training_state(tmp_path, 1, outputs=()) as state,
    ):
        trained(Line(), state, keep="best")
        patch.setattr(shutil, "rmtree", interrupted)
    again = Line()
    with training_state(tmp_path, 1, outputs=()) as state:
        (state / "best.ckpt").unlink()
        trained(again, state, keep="best")
    assert again.steps == STEPS


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_results_are_on_the_disk_before_the_state_goes(tmp_path, monkeypatch):
    on_disk = set()
    monkeypatch.setattr(os, "fsync", lambda file: on_disk.add(os.fstat(file).st_ino))
    model, history = tmp_path / "model.pt", tmp_path / "history.csv"
    save_training(Checkpoint("landmarks", {}, {}, {}, pd.DataFrame({"epoch": [1]})), model, history)
    assert on_disk == {model.stat().st_ino, history.stat().st_ino}


def test_shuffle_is_new_each_epoch_and_the_same_again():
    shuffle = SeededShuffle(50, seed=1)
    first = list(shuffle)
    shuffle.set_epoch(1)
    second = list(shuffle)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    shuffle.set_epoch(0)
    assert list(shuffle) == first


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_begins_anywhere_in_any_epoch(workers):
    whole, part = data(workers), data(workers)
    for epoch in (0, 3):
        whole.go_to(epoch)
        batches = [x for x, _ in whole]
        assert [len(x) for x in batches] == [4, 4, 4, 2]
        for first in (0, 2, 4):
            part.go_to(epoch, first)
            torch.testing.assert_close([x for x, _ in part], batches[first:], rtol=0, atol=0)


def test_processes_share_each_batch_evenly():
    alone = EpochLoader(points(11), SeededShuffle(11, 0), 6)
    shares = [EpochLoader(points(11), SeededShuffle(11, 0), 6) for _ in range(3)]
    for rank, loader in enumerate(shares):
        loader.share(rank, 3)
        loader.go_to(2)
    alone.go_to(2)
    for (whole, _), *parts in zip(alone, *shares, strict=True):
        parts = [x for x, _ in parts]
        assert {len(x) for x in parts} == {2}
        found = torch.cat(parts).unique(dim=0)
        torch.testing.assert_close(found, whole.unique(dim=0), rtol=0, atol=0)


def test_state_is_keyed_by_options_and_file_contents(tmp_path):
    table = tmp_path / "split.csv"
    table.write_text("a")
    folders = []
    for given in ({"lr": 1}, {"lr": 2}, {"lr": 1}):
        with training_state(tmp_path / "state", given, table, outputs=()) as state:
            folders.append(state)
        assert not state.exists()
    table.write_text("b")
    with training_state(tmp_path / "state", {"lr": 1}, table, outputs=()) as state:
        folders.append(state)
    assert folders[0] == folders[2]
    assert len(set(folders)) == 3


def test_checkpoint_there_and_back(tmp_path):
    checkpoint = Checkpoint(
        kind="landmarks",
        options={"widths": [1, 2], "loss": {"alpha": 10.0}},
        weights={"w": torch.arange(3.0)},
        arrays={"basis/mean": np.arange(4, dtype=np.float32)},
        history=pd.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.25]}),
    )
    save_checkpoint(tmp_path / "model.pt", checkpoint)
    again = load_checkpoint(tmp_path / "model.pt", "landmarks")
    assert again.options == checkpoint.options
    torch.testing.assert_close(again.weights["w"], checkpoint.weights["w"])
    np.testing.assert_array_equal(again.arrays["basis/mean"], checkpoint.arrays["basis/mean"])
    pd.testing.assert_frame_equal(again.history, checkpoint.history)
    with pytest.raises(ValueError, match="expected 'translator'"):
        load_checkpoint(tmp_path / "model.pt", "translator")
    (tmp_path / "text.pt").write_text("no model")
    with pytest.raises(ValueError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "text.pt", "landmarks")
