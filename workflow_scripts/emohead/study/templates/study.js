"use strict";
// The study: consent, hearing check, instructions, practice, trials, and the answers as a file.

const manifest = JSON.parse(document.getElementById("manifest").textContent);
const rater = randomHex(16);
const started = new Date().toISOString();
let served = false; // by `emohead study --serve`, which takes the answers
let saved = false;

function randomHex(bytes) {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}

function mediaUrl(id, type) {
  const text = atob(document.getElementById(`media-${id}`).textContent.trim());
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type }));
}

function markup(id) {
  return document.getElementById(id).innerHTML;
}

function within(selector) {
  return document.querySelector(`#study ${selector}`);
}

// A server says whose turn it is, so that orders are used equally often; else chance does.
async function takeTurn() {
  if (location.protocol.startsWith("http")) {
    try {
      const answer = await fetch("turn", { cache: "no-store" });
      const { turn } = await answer.json();
      served = answer.ok;
      if (served) return turn % manifest.orders.length;
    } catch {
      // A plain host of files: the answers are saved as a file.
    }
  }
  return crypto.getRandomValues(new Uint32Array(1))[0] % manifest.orders.length;
}

// A form of jsPsych's, with focus on its heading, which screen readers then read.
function form(html, label, more = {}) {
  return {
    type: jsPsychSurveyHtmlForm,
    html,
    button_label: label,
    ...more,
    on_load: () => {
      scrollTo(0, 0);
      within("h1").focus({ preventScroll: true });
      if (more.on_load) more.on_load();
    },
  };
}

function stop(jsPsych, why) {
  saved = true;
  jsPsych.abortExperiment();
  setTimeout(() => {
    within("").innerHTML = markup("stopped");
    within("p").textContent = why;
    within("h1").focus();
  });
}

function hearingCheck(jsPsych, answers) {
  const url = mediaUrl("hearing", "audio/mp4");
  const check = form(markup("hearing"), "Go on", {
    on_load: () => {
      const sound = new Audio(url);
      within(".play").addEventListener("click", () => {
        sound.currentTime = 0;
        sound.play();
      });
      if (answers.hearing_tries) {
        within(".status").textContent = "That was something else. Please listen again.";
      }
    },
    on_finish: (data) => {
      answers.hearing = data.response.digits.replace(/ /g, "");
      answers.hearing_tries += 1;
    },
  });
  const wrong = () => answers.hearing !== manifest.hearing;
  return {
    timeline: [check],
    loop_function: () => {
      if (wrong() && answers.hearing_tries >= 3) {
        stop(jsPsych, "Without sound the videos can't be judged. Thank you for trying.");
        return false;
      }
      return wrong();
    },
  };
}

function trial(place, title, trials) {
  let url, video, plays, opened, begun;
  function open() {
    within(".scales").disabled = false;
    within("[type=submit]").disabled = false;
    within(".play").textContent = "Play again";
    within(".play").disabled = false;
    within(".status").textContent = "You can answer now.";
    if (opened === null) {
      opened = (performance.now() - begun) / 1000;
      within(".points input").focus({ preventScroll: true });
    }
  }
  function play() {
    video.play().catch(() => {
      within(".play").disabled = false;
    });
  }
  return form(markup("trial"), "Next", {
    on_load: () => {
      [plays, opened, begun] = [0, null, performance.now()];
      url = mediaUrl(manifest.items[place], "video/mp4");
      within("h1").textContent = title;
      within("[type=submit]").disabled = true;
      within(".play").addEventListener("click", play);
      video = within("video");
      video.setAttribute("aria-label", `${title}: a talking face`);
      video.addEventListener("play", () => {
        if (opened !== null || plays === 0) plays += 1;
        within(".play").disabled = true;
        within(".status").textContent = opened === null ? "Watch to the end." : "";
      });
      video.addEventListener("pause", () => (within(".play").disabled = false)); // by a headset's key
      video.addEventListener("ended", open);
      video.addEventListener("error", () => {
        within(".status").textContent = "This browser can't play the video: please use another one.";
      });
      video.src = url;
      play();
    },
    on_finish: (data) => {
      URL.revokeObjectURL(url);
      const given = Object.fromEntries(
        manifest.scales.map(({ name }) => [name, Number(data.response[name])]),
      );
      const seconds = data.rt / 1000;
      const round = (value) => Math.round(value * 1000) / 1000;
      trials.push({
        item: manifest.items[place], ...given, plays,
        opened: round(Math.min(opened, seconds)), seconds: round(seconds),
      });
    },
  });
}

function interlude(title, text, label) {
  return form(markup("interlude"), label, {
    on_load: () => {
      within("h1").textContent = title;
      within("p").textContent = text;
    },
  });
}

async function save(answers) {
  const text = JSON.stringify(answers);
  const status = within(".status");
  let sent = false;
  if (served) {
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch("answers", { method: "POST", headers, body: text });
      sent = answer.ok;
      if (!sent) status.textContent = `The server refused the answers: ${await answer.text()}`;
    } catch {
      status.textContent = "The server can't be reached.";
    }
  }
  if (sent) {
    status.textContent = "Your answers are saved. You can close this page.";
    within(".save").disabled = true;
  } else {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `emohead-study-${answers.study}-${answers.rater}.json`;
    link.click();
    status.textContent += ` A file ${link.download} was made: please send it to whoever asked you.`;
  }
  saved = true;
  within(".after").hidden = false;
}

function finish(answers) {
  answers.finished = new Date().toISOString();
  within("").innerHTML = markup("end");
  within(".code strong").textContent = rater.slice(0, 8);
  within(".save").addEventListener("click", () => save(answers));
  within("h1").focus();
}

async function run() {
  const turn = await takeTurn();
  const answers = {
    format: 1, study: manifest.study, rater, turn, consent: false, started, finished: "",
    hearing: "", hearing_tries: 0, simulated: false, trials: [],
  };
  const jsPsych = initJsPsych({
    display_element: "study",
    on_finish: () => {
      if (!saved) finish(answers);
    },
  });
  const order = manifest.orders[turn];
  const counted = order.length - manifest.practice;
  const trials = order.map((place, i) => {
    const number = i - manifest.practice + 1;
    const title = number < 1 ? `Practice ${i + 1} of ${manifest.practice}` : `Video ${number} of ${counted}`;
    return trial(place, title, answers.trials);
  });
  trials.splice(
    manifest.practice, 0,
    interlude("Practice is over", `Now the ${counted} videos that count.`, "Begin"),
  );
  trials.splice(
    manifest.practice + 1 + Math.floor(counted / 2), 0,
    interlude("Half way", "Rest your eyes for a moment, if you like.", "Go on"),
  );
  addEventListener("beforeunload", (event) => {
    if (answers.trials.length && !saved) event.preventDefault();
  });
  await jsPsych.run([
    form(markup("consent"), "I take part", { on_finish: () => (answers.consent = true) }),
    hearingCheck(jsPsych, answers),
    form(markup("instructions"), "Begin with practice"),
    ...trials,
  ]);
}

run();
