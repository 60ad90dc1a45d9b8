// The clips that are shown, played as one: the first video leads and is heard.
{
  const LARGEST_DRIFT = 0.1; // seconds
  const POINTS = 68;
  const player = document.querySelector(".player");
  const button = player.querySelector(".play");
  const slider = player.querySelector("input[type=range]");
  const clock = player.querySelector("output");
  const overlay = player.querySelector(".landmarks");
  const tracks = new Map(); // of landmarks, by video
  let videos = []; // those that are shown
  let frame = 0;

  const frames = () => Number(player.querySelector(".clip-name:not([hidden])").dataset.frames);
  const playing = () => videos.length > 0 && !videos[0].paused;

  function show() {
    pause();
    for (const box of player.querySelectorAll(".methods input")) {
      for (const figure of player.querySelectorAll(`figure[data-method="${box.value}"]`)) {
        figure.classList.toggle("off", !box.checked);
      }
    }
    videos = [...player.querySelectorAll("figure:not([hidden], .off) video")];
    videos.forEach((video, i) => {
      video.preload = "auto";
      video.muted = i > 0;
      video.closest("figure").classList.toggle("heard", i === 0);
    });
    button.disabled = !videos.length;
    slider.max = frames() - 1;
    seek(frame);
  }

  function seek(wanted) {
    frame = Math.max(0, Math.min(wanted, frames() - 1));
    // The middle of a frame is that frame, however a browser rounds.
    for (const video of videos) video.currentTime = (frame + 0.5) / FPS;
    draw();
  }

  function pause() {
    for (const video of videos) video.pause();
  }

  async function play() {
    if (frame >= frames() - 1) seek(0);
    await Promise.allSettled(videos.map((video) => video.play()));
    follow();
  }

  function follow() {
    const [leader, ...others] = videos;
    frame = Math.min(Math.floor(leader.currentTime * FPS + 1e-3), frames() - 1);
    // Sound may last a little longer than the pictures.
    if (leader.paused || leader.currentTime >= frames() / FPS) {
      pause();
      seek(frame);
      return;
    }
    for (const video of others) {
      const drift = Math.abs(video.currentTime - leader.currentTime);
      if (!video.ended && drift > LARGEST_DRIFT) video.currentTime = leader.currentTime;
    }
    draw();
    requestAnimationFrame(follow);
  }

  function draw() {
    button.textContent = playing() ? "Pause" : "Play";
    slider.value = frame;
    clock.textContent = `${(frame / FPS).toFixed(2)} s, frame ${frame}`;
    for (const video of videos) {
      const path = video.parentElement.querySelector("path");
      path?.setAttribute("d", overlay.checked ? outline(landmarksOf(video)) : "");
    }
  }

  function landmarksOf(video) {
    if (!tracks.has(video)) {
      const bytes = Uint8Array.from(atob(video.dataset.landmarks), (each) => each.charCodeAt(0));
      tracks.set(video, new Int16Array(bytes.buffer));
    }
    return tracks.get(video);
  }

  function outline(track) {
    const start = Math.min(frame, track.length / (2 * POINTS) - 1) * POINTS;
    const at = (point) => track.subarray(2 * (start + point), 2 * (start + point) + 2).join();
    return FACE_LINES.map((line) => `M${line.map(at).join("L")}`).join("");
  }

  button.addEventListener("click", () => (playing() ? pause() : play()));
  slider.addEventListener("input", () => {
    pause();
    seek(Number(slider.value));
  });
  overlay.addEventListener("change", draw);
  player.querySelector(".methods").addEventListener("change", show);
  document.addEventListener("chosen", ({ detail }) => {
    if (detail === "emotion") frame = 0;
    if (detail === "emotion" || detail === "reference") show();
  });
  show();
}
