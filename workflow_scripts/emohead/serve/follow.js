// When one video is played, paused or moved, all others on the page follow it without sound: a face
// and its landmarks, or two models, can be compared moment by moment.
let leader = null;

// What was made: not the camera's picture, nor the voice, which is an audio element.
function isMade(element) {
  return element instanceof HTMLVideoElement && element.src !== "";
}

// A leader that a new answer replaced has stopped, and no event says so here.
function follows(video) {
  return leader !== null && leader !== video && !leader.paused;
}

function othersThan(video) {
  return [...document.querySelectorAll("video")].filter((each) => each !== video && isMade(each));
}

// Media events don't bubble, but they are captured on their way down.
document.addEventListener("play", ({ target }) => {
  if (!isMade(target) || follows(target)) return;
  leader = target;
  for (const each of othersThan(target)) {
    each.muted = true;
    each.currentTime = target.currentTime;
    each.play().catch(() => {});
  }
}, true);

for (const stop of ["pause", "ended"]) {
  document.addEventListener(stop, ({ target }) => {
    if (target !== leader) return;
    leader = null;
    for (const each of othersThan(target)) {
      each.pause();
      each.muted = false;
      each.currentTime = target.currentTime;
    }
  }, true);
}

document.addEventListener("seeked", ({ target }) => {
  if (!isMade(target) || follows(target)) return;
  for (const each of othersThan(target)) {
    if (Math.abs(each.currentTime - target.currentTime) > 0.04) each.currentTime = target.currentTime;
  }
}, true);
