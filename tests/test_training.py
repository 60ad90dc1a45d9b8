import contextlib
import json
import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import TensorDataset

from emohead.provenance import Provenance
from emohead.training.batches import EpochLoader, SeededShuffle
from emohead.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from emohead.training.checks import Diverged, FiniteCheck
from emohead.training.loop import Fitted, fit
from emohead.training.options import Recipe, Runtime
from emohead.training.state import save_training, training_state
from emohead.training.task import TrainingTask

EPOCHS, BATCHES = 4, 4
STEPS = EPOCHS * BATCHES


RUNTIME = Runtime(device="cpu", checkpoint_minutes=0)


def recipe(**changed) -> Recipe:
    given = {"epochs": EPOCHS, "batch_size": 4, "learning_rate": 0.05, "decay": 0.5}
    return Recipe(**{**given, "validation": 0.3, **changed})


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


def trained(
    task: Line, state, workers: int = 0, runtime: Runtime = RUNTIME, **changed
) -> pd.DataFrame:
    plan = recipe(**changed)
    return fit(task, data(workers), held_out(), plan, runtime, seed=7, state=state).history


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


def test_a_task_is_told_the_step_also_when_it_resumes(tmp_path):
    told = []

    class Told(Line):
        def set_step(self, step):
            told.append(step)

    with pytest.raises(KeyboardInterrupt):
        trained(Told(dies_at=6), tmp_path)
    trained(Told(), tmp_path)
    assert told == [*range(7), *range(6, STEPS)]


@pytest.mark.parametrize(
    ("how", "steps"),
    [
        ({"workers": 2}, None),
        # Without checkpoints inside an epoch, from its beginning.
        ({"runtime": Runtime(device="cpu", checkpoint_minutes=60)}, STEPS - BATCHES),
    ],
)
def test_a_killed_training_ends_as_an_undisturbed_one(undisturbed, tmp_path, how, steps):
    with pytest.raises(KeyboardInterrupt):
        trained(Line(dies_at=6), tmp_path, **how)
    resumed = Line()
    trained(resumed, tmp_path, **how)
    assert steps in (None, resumed.steps)
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
    fit(task, loader, None, recipe(epochs=6), RUNTIME, seed=0, state=tmp_path)
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
    check = FiniteCheck(recipe(), "32-true", every=5)
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


@pytest.mark.parametrize("first_ends", ["well", "killed"])
def test_a_second_process_waits_for_the_first(undisturbed, tmp_path, capsys, first_ends):
    """And has nothing to do, or goes on from what is left."""
    first, second = Line(dies_at=6 if first_ends == "killed" else None), Line()

    def later() -> None:
        with training_state(tmp_path, {"lr": 1}) as state:
            trained(second, state)

    thread = threading.Thread(target=later)
    with contextlib.suppress(KeyboardInterrupt), training_state(tmp_path, {"lr": 1}) as state:
        thread.start()
        said = ""
        while "another process has this training" not in said:
            thread.join(0.01)
            assert thread.is_alive()
            said += capsys.readouterr().out
        trained(first, state)
    thread.join()
    assert second.steps == {"well": 0, "killed": STEPS - 6}[first_ends]
    assert_equal(undisturbed[0], second)


@pytest.mark.parametrize("keep", ["last", "best"])
def test_more_epochs_go_on_from_the_end_as_if_they_had_been_asked_for_at_once(tmp_path, keep):
    with training_state(tmp_path / "one", 1) as state:
        trained(Line(), state, epochs=3, keep=keep)
    longer, at_once = Line(), Line()
    with training_state(tmp_path / "one", 1) as state:
        history = trained(longer, state, epochs=6, keep=keep)
    expected = trained(at_once, tmp_path / "two", epochs=6, keep=keep)
    assert longer.steps == 3 * BATCHES
    assert_equal(longer, at_once)
    pd.testing.assert_frame_equal(
        history.drop(columns="seconds"), expected.drop(columns="seconds"), check_exact=True
    )


@pytest.mark.parametrize("dies_at", [None, 9])  # at its end, in its third epoch
def test_fewer_epochs_begin_anew(tmp_path, dies_at):
    with contextlib.suppress(KeyboardInterrupt):
        trained(Line(dies_at), tmp_path / "one", epochs=4, keep="best")
    shorter, expected = Line(), Line()
    trained(shorter, tmp_path / "one", epochs=2, keep="best")
    trained(expected, tmp_path / "two", epochs=2, keep="best")
    assert shorter.steps == 2 * BATCHES
    assert_equal(shorter, expected)
    again = Line()
    trained(again, tmp_path / "one", epochs=4, keep="best")
    assert again.steps == 2 * BATCHES


def test_what_decides_the_speed_may_change_in_the_middle(undisturbed, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(Line(dies_at=6), tmp_path)
    resumed = Line()
    other = Runtime(device="auto", compile=False, workers=2, checkpoint_minutes=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        trained(resumed, tmp_path, runtime=other)
    assert resumed.steps == STEPS - 6
    assert_equal(undisturbed[0], resumed)


def test_precision_auto_is_settled_when_a_training_begins(tmp_path, monkeypatch, capsys):
    """Another machine goes on with what the first one took."""
    chosen = iter(["bf16-mixed", "32-true"])
    monkeypatch.setattr(
        "emohead.training.machine.bf16_is_fast", lambda device: next(chosen) == "bf16-mixed"
    )
    with pytest.raises(KeyboardInterrupt):
        trained(Line(dies_at=6), tmp_path, precision="auto")
    going_on = fit(
        Line(), data(), held_out(), recipe(precision="auto"), RUNTIME, seed=7, state=tmp_path
    )
    assert capsys.readouterr().out.count("1 x CPU, bf16-mixed") == 2
    assert going_on.provenance.precision == "bf16-mixed"


def test_a_training_says_what_made_it(tmp_path, monkeypatch):
    def finish(commit: str, epochs: int) -> Fitted:
        monkeypatch.setattr("emohead.provenance.git_commit", lambda: commit)
        return fit(
            Line(), data(), held_out(), recipe(epochs=epochs), RUNTIME, seed=7, state=tmp_path
        )

    history, made = finish("a1", 2)
    assert made.torch == torch.__version__
    assert (made.precision, made.commit) == ("32-true", "a1")
    assert made.seconds == history["seconds"].iloc[-1] > 0
    assert finish("b2", 2).provenance == made  # took no step
    assert finish("c3", 3).provenance.commit == "c3"


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
    with pytest.raises(ValueError, match="validation is 0"):
        recipe(validation=0, **wish)
    # Of few clips none may be held out: that is said, and the training ends as without the wish.
    plain, wishing = Line(), Line()
    fit(plain, data(), None, recipe(), RUNTIME, seed=7, state=tmp_path / "plain")
    assert "no clips to validate on" not in capsys.readouterr().out
    fit(wishing, data(), None, recipe(**wish), RUNTIME, seed=7, state=tmp_path / "wishing")
    assert "no clips to validate on" in capsys.readouterr().out
    assert_equal(plain, wishing)


def test_a_half_written_state_of_a_killed_process_is_swept_away(tmp_path):
    with contextlib.suppress(KeyboardInterrupt), training_state(tmp_path, 1) as state:
        raise KeyboardInterrupt
    left = state / ".last.unfinished-12345.ckpt"
    left.write_bytes(b"half")
    with training_state(tmp_path, 1) as state:
        assert left.parent == state
        assert not left.exists()


def test_other_states_go_when_a_training_has_ended(tmp_path):
    """Of other recipes, killed or not; but for one that a process is at."""
    with contextlib.suppress(KeyboardInterrupt), training_state(tmp_path, "killed") as killed:
        raise KeyboardInterrupt
    with training_state(tmp_path, "ended") as ended:
        (ended / "last.ckpt").touch()
    assert not killed.exists()
    with training_state(tmp_path, "at it") as at_it:
        with training_state(tmp_path, "new") as new:
            (new / "last.ckpt").touch()
            assert ended.exists()
        assert at_it.exists()
        assert not ended.exists()
        assert new.exists()


def test_a_second_process_waits_until_its_old_state_is_removed(tmp_path, monkeypatch):
    """Another training ends just then, and removes what no process is at."""
    with contextlib.suppress(KeyboardInterrupt), training_state(tmp_path, "mine"):
        raise KeyboardInterrupt
    found = []

    def begin() -> None:
        with training_state(tmp_path, "mine") as state:
            found.append(state.is_dir())

    mine = threading.Thread(target=begin)

    def begun_meanwhile(folder) -> None:
        monkeypatch.undo()
        for file in folder.iterdir():
            file.unlink()
        mine.start()
        mine.join(0.5)
        folder.rmdir()

    with training_state(tmp_path, "another"):
        monkeypatch.setattr("emohead.training.state.shutil.rmtree", begun_meanwhile)
    mine.join()
    assert found == [True]


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_removal_that_was_broken_off_leaves_a_beginning(tmp_path, monkeypatch):
    """Not a training at its end whose best weights are gone."""
    with training_state(tmp_path, "old") as state:
        trained(Line(), state, keep="best")
    with pytest.raises(KeyboardInterrupt), training_state(tmp_path, "new"):
        monkeypatch.setattr("emohead.training.state.shutil.rmtree", interrupted)
    again = Line()
    with training_state(tmp_path, "old") as state:
        trained(again, state, keep="best")
        monkeypatch.undo()
    assert again.steps == STEPS


def test_state_is_keyed_by_options_files_and_clips(tmp_path):
    table = tmp_path / "weights.pth"
    clips = {
        "a": SimpleNamespace(identity=(0, 9, "1f")),
        "b": SimpleNamespace(identity=(3, 9, "2f")),
    }

    def state_of(*inputs: object) -> str:
        with training_state(tmp_path / "state", *inputs) as state:
            return state.name

    table.write_text("a")
    first = state_of({"lr": 1, "decay": 2}, table, clips)
    assert state_of({"decay": 2, "lr": 1}, table, dict(reversed(clips.items()))) == first
    assert state_of({"lr": 2, "decay": 2}, table, clips) != first
    assert state_of({"lr": 1, "decay": 2}, table, {"a": clips["a"]}) != first
    changed = {**clips, "b": SimpleNamespace(identity=(3, 9, "3f"))}
    assert state_of({"lr": 1, "decay": 2}, table, changed) != first
    table.write_text("b")
    assert state_of({"lr": 1, "decay": 2}, table, clips) != first


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


def test_checkpoint_there_and_back(tmp_path):
    checkpoint = Checkpoint(
        kind="landmarks",
        options={"widths": [1, 2], "loss": {"alpha": 10.0}},
        weights={"w": torch.arange(3.0)},
        arrays={"basis/mean": np.arange(4, dtype=np.float32)},
        history=pd.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.25]}),
        provenance=Provenance("3.11.2", "2.15.0", "2 x H100", "bf16-mixed", "a1b2-dirty", 7.5),
    )
    save_checkpoint(tmp_path / "model.pt", checkpoint)
    again = load_checkpoint(tmp_path / "model.pt", "landmarks")
    assert again.options == checkpoint.options
    torch.testing.assert_close(again.weights["w"], checkpoint.weights["w"])
    np.testing.assert_array_equal(again.arrays["basis/mean"], checkpoint.arrays["basis/mean"])
    pd.testing.assert_frame_equal(again.history, checkpoint.history)
    assert again.provenance == checkpoint.provenance
    with pytest.raises(ValueError, match="expected 'translator'"):
        load_checkpoint(tmp_path / "model.pt", "translator")
    (tmp_path / "text.pt").write_text("no model")
    with pytest.raises(ValueError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "text.pt", "landmarks")


def test_an_older_checkpoint_has_no_provenance(tmp_path):
    save_checkpoint(tmp_path / "model.pt", Checkpoint("landmarks", {}, {}, {}, pd.DataFrame()))
    stored = torch.load(tmp_path / "model.pt", weights_only=True)
    del stored["provenance"]
    torch.save(stored, tmp_path / "model.pt")
    assert load_checkpoint(tmp_path / "model.pt", "landmarks").provenance is None


def test_a_finished_training_is_written_for_readers_without_torch_too(tmp_path):
    made = Provenance("3.11.2", "2.15.0", "EPYC", "32-true", "unknown", 7.5)
    history = pd.DataFrame({"epoch": [1], "loss": [0.5]})
    model, table, facts = (tmp_path / name for name in ("model.pt", "history.csv", "made.json"))
    save_training(Checkpoint("landmarks", {}, {}, {}, history, made), model, table, facts)
    assert load_checkpoint(model, "landmarks").provenance == made
    assert json.loads(facts.read_text())["device"] == "EPYC"
    pd.testing.assert_frame_equal(pd.read_csv(table), history)
