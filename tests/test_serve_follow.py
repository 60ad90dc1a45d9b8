"""The page's script that plays all videos together, in Node with elements that are none."""

import shutil
import subprocess
from pathlib import Path

import pytest

from emohead import serve

SCRIPT = Path(serve.__file__).with_name("follow.js")
#: Media elements as HTML has them: one that is taken out of the document stops, and its events
#: don't reach the document.
ELEMENTS = """
const listeners = [];
let shown = [];
class HTMLVideoElement {
  src = "blob:"; paused = true; muted = false; currentTime = 0;
  fire(type) {
    if (!shown.includes(this)) return;
    for (const [name, heard] of listeners) if (name === type) heard({ target: this });
  }
  play() {
    if (this.paused) { this.paused = false; this.fire("play"); }
    return Promise.resolve();
  }
  pause() {
    if (!this.paused) { this.paused = true; this.fire("pause"); }
  }
}
const document = {
  addEventListener: (name, heard) => listeners.push([name, heard]),
  querySelectorAll: () => shown,
};
function show(...videos) {
  const before = shown;
  shown = videos;
  for (const each of before) if (!shown.includes(each)) each.pause();
}
function check(holds, what) { if (!holds) { console.log(what); process.exitCode = 1; } }
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
@pytest.mark.parametrize(
    "played",
    [
        """
        a.play();
        check(!b.paused && b.muted && !a.muted, "one follows without sound");
        a.currentTime = 2; a.pause();
        check(b.paused && !b.muted && b.currentTime === 2, "they stop together");
        """,
        """
        a.play();
        show(c, d);
        c.play();
        check(!d.paused && d.muted, "new videos follow each other while the last one played");
        """,
    ],
    ids=["together", "replaced while it plays"],
)
def test_videos_follow_the_one_that_is_played(played):
    videos = "const [a, b, c, d] = [1, 2, 3, 4].map(() => new HTMLVideoElement()); show(a, b);"
    program = "\n".join([ELEMENTS, SCRIPT.read_text(), videos, played])
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
