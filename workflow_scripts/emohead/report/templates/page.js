// Each row of videos is played as one: the ground truth, which is heard, leads; the others follow.
const LARGEST_DRIFT = 0.06; // seconds, one and a half frames

// Safari plays no video from a data: URI, but does from a Blob made of it.
function asBlobUrl(dataUri) {
  const [head, body] = dataUri.split(",");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: head.slice(5).split(";")[0] }));
}

for (const player of document.querySelectorAll(".player")) {
  const videos = [...player.querySelectorAll("video")];
  const leader = player.querySelector("video[data-heard]");
  const followers = videos.filter((video) => video !== leader);
  const button = player.querySelector("button");
  const slider = player.querySelector("input");
  const clock = player.querySelector("output");
  const name = slider.getAttribute("aria-label").replace("Position in ", "");

  for (const video of videos) video.src = asBlobUrl(video.src);

  function showState() {
    const verb = leader.paused ? "Play" : "Pause";
    button.textContent = verb;
    button.setAttribute("aria-label", `${verb} ${name}`);
    slider.value = leader.currentTime;
    clock.textContent = `${leader.currentTime.toFixed(1)} s`;
    slider.setAttribute("aria-valuetext", clock.textContent);
  }

  function follow() {
    for (const video of followers) {
      if (Math.abs(video.currentTime - leader.currentTime) > LARGEST_DRIFT) {
        video.currentTime = leader.currentTime;
      }
    }
    showState();
    if (!leader.paused) requestAnimationFrame(follow);
  }

  function stop() {
    for (const video of videos) video.pause();
    showState();
  }

  async function start() {
    for (const other of document.querySelectorAll("video[data-heard]")) {
      if (other !== leader) other.pause();
    }
    if (leader.ended) leader.currentTime = 0;
    for (const video of followers) video.currentTime = leader.currentTime;
    await Promise.allSettled(videos.map((video) => video.play()));
    follow();
  }

  leader.addEventListener("loadedmetadata", () => { slider.max = leader.duration; });
  leader.addEventListener("pause", stop);
  button.addEventListener("click", () => (leader.paused ? start() : stop()));
  slider.addEventListener("input", () => {
    for (const video of videos) video.currentTime = Number(slider.value);
    clock.textContent = `${Number(slider.value).toFixed(1)} s`;
  });
}
