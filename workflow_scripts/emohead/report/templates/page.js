// Radio buttons with one data-choice are one choice, wherever they stand on the page. Parts that
// carry, say, data-reference are shown for the chosen reference alone.
const chosen = {};

function choose(name, value) {
  chosen[name] = value;
  for (const radio of document.querySelectorAll(`input[data-choice="${name}"]`)) {
    radio.checked = radio.value === value;
  }
  for (const part of document.querySelectorAll(`[data-${name}]`)) {
    part.hidden = Object.entries(chosen).some(
      ([each, wanted]) => (part.dataset[each] ?? wanted) !== wanted,
    );
  }
}

for (const radio of document.querySelectorAll("input[data-choice]")) {
  // A browser may remember what was chosen before the page was loaded again.
  radio.checked = radio.defaultChecked;
  if (radio.checked) choose(radio.dataset.choice, radio.value);
  radio.addEventListener("change", () => {
    choose(radio.dataset.choice, radio.value);
    document.dispatchEvent(new CustomEvent("chosen", { detail: radio.dataset.choice }));
  });
}
