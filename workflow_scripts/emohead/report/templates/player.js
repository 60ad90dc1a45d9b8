// One test clip by all chosen methods, played as one: the first video leads and is heard.
{
  const LARGEST_DRIFT = 0.3; // seconds
  const POINTS = 68;
  const { fps, unitsPerPixel, faceLines, methods, clips } = JSON.parse(
    document.getElementById("manifest").textContent,
  );
  const player = document.querySelector(".player");
  const grid = player.querySelector(".videos");
  const button = player.querySelector(".play");
  const slider = player.querySelector("input[type=range]");
  const clock = player.querySelector("output");
  const overlay = player.querySelector(".landmarks");
  const methodBoxes = [...player.querySelectorAll(".methods input")];

  let clip = clips[0];
  let frame = 0;
  let screens = []; // of the shown methods that have a video: {video, canvas, track, cropSize, ...}

  // Media stand at the end of the page as base64, and become files when they are first needed.
  const urls = new Map();
  function bytesOf(id) {
    const text = document.getElementById(id).textContent;
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  }
  function urlOf(id) {
    if (!urls.has(id)) {
      urls.set(id, URL.createObjectURL(new Blob([bytesOf(id)], { type: "video/mp4" })));
    }
    return urls.get(id);
  }

  function make(tag, className, text = "") {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = text;
    return element;
  }

  function addScreen(method) {
    const source = clip.screens[chosen.reference ?? Object.keys(clip.screens)[0]][method.id];
    const figure = make("figure", "");
    const stage = make("div", "stage");
    const caption = make("figcaption", "");
    const swatch = make("i", "swatch");
    swatch.style.background = method.colour;
    caption.append(swatch, method.label);
    figure.append(stage, caption);
    grid.append(figure);
    if (!source.video) {
      stage.append(make("p", "absent", source.missing));
      return;
    }
    const video = make("video", "");
    const canvas = make("canvas", "");
    video.setAttribute("aria-label", `${clip.emotion}, ${method.label}`);
    Object.assign(video, { playsInline: true, preload: "auto", disableRemotePlayback: true });
    video.muted = screens.length > 0;
    stage.append(video, canvas);
    const screen = { video, canvas, colour: method.colour, cropSize: source.crop_size };
    if (source.landmarks) screen.track = new Int16Array(bytesOf(source.landmarks).buffer);
    video.addEventListener("error", () => {
      stage.replaceChildren(make("p", "absent", "This browser can't play this video."));
    });
    if (!screens.length) {
      caption.append(make("small", "heard", " (sound)"));
      video.addEventListener("pause", pauseAll);
    }
    screens.push(screen);
    drawWithVideo(screen);
    video.src = urlOf(source.video);
  }

  function showClip() {
    pauseAll();
    const emotion = chosen.emotion ?? clip.emotion;
    if (clip.emotion !== emotion) {
      clip = clips.find((each) => each.emotion === emotion);
      frame = 0;
    }
    player.querySelector(".clip-name").textContent =
      `${clip.emotion}: speaker ${clip.speaker}, level ${clip.level} (${clip.clip_id})`;
    slider.max = clip.frames - 1;
    screens = [];
    grid.replaceChildren();
    for (const method of methods) {
      if (methodBoxes.find((box) => box.value === method.id).checked) addScreen(method);
    }
    button.disabled = !screens.length;
    seek(frame);
  }

  // Time

  const leader = () => screens[0]?.video;
  const frameAt = (seconds) => Math.min(Math.floor(seconds * fps + 1e-3), clip.frames - 1);

  function seek(wanted) {
    frame = Math.max(0, Math.min(wanted, clip.frames - 1));
    // The middle of a frame is that frame, however a browser rounds.
    for (const { video } of screens) video.currentTime = (frame + 0.5) / fps;
    showState();
    for (const screen of screens) draw(screen, frame);
  }

  function showState() {
    const playing = screens.length > 0 && !leader().paused;
    button.textContent = playing ? "Pause" : "Play";
    button.setAttribute("aria-label", playing ? "Pause all videos" : "Play all videos");
    slider.value = frame;
    clock.textContent = `${(frame / fps).toFixed(2)} s, frame ${frame}`;
    slider.setAttribute("aria-valuetext", clock.textContent);
  }

  function pauseAll() {
    for (const { video } of screens) video.pause();
    showState();
  }

  async function playAll() {
    if (frame >= clip.frames - 1) seek(0);
    await Promise.allSettled(screens.map(({ video }) => video.play()));
    if (leader()?.paused) pauseAll(); // a browser may refuse to play sound
    follow();
  }

  function follow() {
    if (!screens.length) return;
    frame = frameAt(leader().currentTime);
    showState();
    // Sound may last a little longer than the pictures.
    if (leader().ended || leader().currentTime >= clip.frames / fps) {
      stopAt(clip.frames - 1);
    } else if (!leader().paused) {
      screens.slice(1).forEach(catchUp);
      requestAnimationFrame(follow);
    }
  }

  // A seek makes a video stop for a moment, so that small drifts are made up by its speed.
  function catchUp({ video }) {
    if (video.ended) return;
    const behind = leader().currentTime - video.currentTime;
    if (Math.abs(behind) > LARGEST_DRIFT) video.currentTime = leader().currentTime;
    video.playbackRate = 1 + Math.max(-0.5, Math.min(3 * behind, 0.5));
  }

  function stopAt(wanted) {
    pauseAll();
    seek(wanted);
  }

  const toggle = () => (leader()?.paused ? playAll() : stopAt(frame));

  // Landmarks

  function drawWithVideo(screen) {
    const { video } = screen;
    const next = (now, { mediaTime }) => {
      draw(screen, Math.round(mediaTime * fps));
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  }

  function draw({ canvas, track, cropSize, colour }, wanted) {
    const size = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, size, size);
    if (!overlay.checked || !track) return;
    const t = Math.min(wanted, track.length / (2 * POINTS) - 1);
    // A whole number is the centre of a pixel of the crop.
    const at = (point, axis) =>
      ((track[(t * POINTS + point) * 2 + axis] / unitsPerPixel + 0.5) / cropSize) * size;
    pen.lineJoin = pen.lineCap = "round";
    for (const [style, width] of [["#ffffffcc", 3.5], [colour, 1.6]]) {
      pen.strokeStyle = style;
      pen.lineWidth = width * devicePixelRatio;
      pen.beginPath();
      for (const [first, ...rest] of faceLines) {
        pen.moveTo(at(first, 0), at(first, 1));
        for (const point of rest) pen.lineTo(at(point, 0), at(point, 1));
      }
      pen.stroke();
    }
  }

  // Controls

  const drawAll = () => screens.forEach((screen) => draw(screen, frame));
  const keys = {
    " ": toggle,
    ArrowLeft: () => stopAt(frame - 1),
    ArrowRight: () => stopAt(frame + 1),
    Home: () => stopAt(0),
    End: () => stopAt(clip.frames - 1),
  };
  grid.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  button.addEventListener("click", toggle);
  slider.addEventListener("input", () => stopAt(Number(slider.value)));
  for (const step of player.querySelectorAll(".step")) {
    step.addEventListener("click", () => stopAt(frame + Number(step.dataset.step)));
  }
  overlay.addEventListener("change", drawAll);
  addEventListener("resize", drawAll);
  for (const box of methodBoxes) box.addEventListener("change", showClip);
  document.addEventListener("chosen", ({ detail }) => {
    if (detail === "emotion" || detail === "reference") showClip();
  });
  // The media stand below this script.
  document.addEventListener("DOMContentLoaded", showClip);
}
