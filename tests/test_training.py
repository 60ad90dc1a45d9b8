import lightning
import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from emohead.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from emohead.training import (
    SeededShuffle,
    TrainOptions,
    adam_with_exponential_decay,
    fit,
    training_state,
)

OPTIONS = TrainOptions(epochs=4, batch_size=4, learning_rate=0.05, decay=0.5, device="cpu")


class Line(lightning.LightningModule):
    """y = w x with dropout; breaks down in epoch `breaks_in`, as a killed process would."""

    def __init__(self, breaks_in: int | None = None):
        super().__init__()
        torch.manual_seed(1)
        self.layer = torch.nn.Linear(3, 1)
        self.breaks_in = breaks_in

    def training_step(self, batch):
        if self.current_epoch == self.breaks_in:
            raise RuntimeError("killed")
        x, y = batch
        loss = torch.nn.functional.mse_loss(self.layer(torch.dropout(x, 0.3, True)), y)
        self.log("loss", loss, on_epoch=True, on_step=False)
        return loss

    def configure_optimizers(self):
        return adam_with_exponential_decay(self.parameters(), OPTIONS)


def data() -> DataLoader:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(16, 3, generator=draw)
    samples = TensorDataset(x, x @ torch.tensor([[1.0], [-2.0], [0.5]]))
    return DataLoader(samples, 4, sampler=SeededShuffle(16, seed=5))


def test_resumed_training_equals_an_undisturbed_one(tmp_path):
    whole = Line()
    history = fit(whole, data(), None, OPTIONS, seed=7, state=tmp_path / "whole")
    with pytest.raises(RuntimeError, match="killed"):
        fit(Line(breaks_in=2), data(), None, OPTIONS, seed=7, state=tmp_path / "broken")
    torch.rand(100)  # another process has another random state
    resumed = Line()
    resumed_history = fit(resumed, data(), None, OPTIONS, seed=7, state=tmp_path / "broken")
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    pd.testing.assert_frame_equal(
        history.drop(columns="seconds"), resumed_history.drop(columns="seconds")
    )
    assert list(history["epoch"]) == [1, 2, 3, 4]


def test_learning_rate_decays_by_the_epoch():
    made = adam_with_exponential_decay([torch.nn.Parameter(torch.zeros(1))], OPTIONS)
    adam, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(3):
        rates.append(adam.param_groups[0]["lr"])
        adam.step()
        schedule.step()
    assert rates == pytest.approx([0.05, 0.025, 0.0125])
    assert adam.param_groups[0]["betas"] == (0.9, 0.999)


def test_shuffle_is_new_each_epoch_and_the_same_again():
    shuffle = SeededShuffle(50, seed=1)
    first = list(shuffle)
    shuffle.set_epoch(1)
    second = list(shuffle)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    shuffle.set_epoch(0)
    assert list(shuffle) == first


def test_state_is_keyed_by_options_and_file_contents(tmp_path):
    table = tmp_path / "split.csv"
    table.write_text("a")
    folders = []
    for options in ({"lr": 1}, {"lr": 2}, {"lr": 1}):
        with training_state(tmp_path / "state", options, table) as state:
            state.mkdir(parents=True)
            folders.append(state)
        assert not state.exists()
    table.write_text("b")
    with training_state(tmp_path / "state", {"lr": 1}, table) as state:
        state.mkdir(parents=True)
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
