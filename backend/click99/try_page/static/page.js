// The page: what people do, and what they see of it.

import { cocoFile, cutOutFile, maskFile } from "./downloads.js";
import { ClickedObject, Picture, Refused } from "./objects.js";
import { View } from "./view.js";

const LOOKS = ["mask", "outline", "cutout"];
const TOOLS = ["positive", "negative", "box", "lasso"];
const MOST_CORNERS = 2000; // of a lasso
const A_PAUSE = 150; // milliseconds without a movement, after which a large picture is shown sharp
const A_DRAG = 5; // CSS pixels; less is a click
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const part = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const canvas = part("view");
const view = new View(canvas);

let picture = null;
let objects = [];
let current = null;
let tool = "positive";
let look = "mask";
let drawn = null; // a box or a lasso, while it is
let corners = []; // of one that keys draw: [x, y]
let space = false; // held down
let sharper = 0; // the timer of what is to be shown sharp
const pointers = new Map(); // of those that are down: where, and where they began

// ---- what is seen

function draw() {
  view.draw(objects, current, look, part("opacity").value / 100, drawn);
  clearTimeout(sharper);
  if (picture?.isCopy) sharper = setTimeout(sharpen, A_PAUSE);
}

// Of a large picture, the part that is looked at: as many pixels as the screen has.
async function sharpen() {
  const [shown, section] = [picture, view.section()];
  const isThere = (key) => section?.[key] === view.detail?.[key];
  if (["left", "top", "right", "bottom"].every(isThere)) return;
  try {
    const bitmap = section && (await shown.part(section, Math.max(canvas.width, canvas.height)));
    if (shown !== picture) return;
    view.detail = bitmap && { bitmap, ...section };
  } catch (error) {
    return complain(error);
  }
  draw();
}

function say(text, wrong = false) {
  part("said").textContent = text;
  part("said").classList.toggle("wrong", wrong);
}

function tell() {
  draw();
  part("hint").hidden = Boolean(picture);
  part("undo").disabled = !current?.prompts.length;
  part("redo").disabled = !current?.undone.length;
  part("new").disabled = !current?.prompts.length;
  for (const each of all("[data-download]"))
    each.disabled = !(each.dataset.download === "coco" ? objects.some(({ mask }) => mask) : current?.mask);
  for (const each of all("[data-look]")) each.setAttribute("aria-pressed", each.dataset.look === look);
  for (const each of TOOLS) part(each).setAttribute("aria-pressed", each === tool);
  part("objects").replaceChildren(...objects.map(listed));
}

function listed(object) {
  const button = document.createElement("button");
  const dot = document.createElement("i");
  dot.style.background = object.colour;
  button.append(dot, `Object ${object.number}: ${prompts(object)}`);
  button.setAttribute("aria-pressed", object === current);
  button.onclick = () => choose(object);
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function prompts({ prompts: { length } }) {
  return length === 1 ? "1 prompt" : `${length} prompts`;
}

// ---- what is done

async function open(file, name) {
  say("Reading the picture…");
  try {
    picture = await Picture.open(file, name);
  } catch (error) {
    return complain(error);
  }
  objects = [];
  dropCorners();
  view.show(picture);
  say("Click an object.");
  another();
}

function complain(error) {
  if (!(error instanceof Refused)) throw error;
  say(error.message, true);
}

function another() {
  if (!picture) return;
  objects = objects.filter((each) => each.prompts.length);
  current = new ClickedObject(Math.max(0, ...objects.map((each) => each.number)) + 1);
  objects.push(current);
  tell();
}

function choose(object) {
  current = object;
  tell();
}

async function ask() {
  const object = current;
  tell();
  part("stage").setAttribute("aria-busy", "true");
  try {
    await object.ask(picture);
    say(answerOf(object));
  } catch (error) {
    complain(error);
  }
  part("stage").setAttribute("aria-busy", "false");
  tell();
}

function answerOf(object) {
  if (!object.prompts.length) return "Click an object.";
  const took = `${prompts(object)}, ${Math.round(object.milliseconds)} ms`;
  return object.mask ? `${took}; expected IoU ${object.quality.toFixed(2)}` : `${took}; the mask is empty`;
}

function click(at, positive) {
  if (!at || !current) return;
  current.add({ ...at, positive });
  ask();
}

function take(chosen) {
  tool = chosen;
  dropCorners();
  tell();
}

function enclose(around) {
  if (around.lasso?.length < 3) return draw();
  current.add(around);
  ask();
}

function undo() {
  current?.undo();
  if (current) ask();
}

function redo() {
  if (!current?.undone.length) return;
  current.redo();
  ask();
}

function nextLook() {
  look = LOOKS[(LOOKS.indexOf(look) + 1) % LOOKS.length];
  tell();
}

function fit() {
  view.fit();
  draw();
}

async function download(kind) {
  const stem = picture.name.replace(/\.[^.]*$/, "");
  const files = {
    mask: [() => maskFile(picture, current), `${stem}-mask-${current.number}.png`],
    cutout: [() => cutOutFile(picture, current), `${stem}-cutout-${current.number}.png`],
    coco: [() => cocoFile(picture, objects.filter((each) => each.mask)), `${stem}.coco.json`],
  };
  const [made, name] = files[kind];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await made());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---- pointers: mouse, pen, fingers

function placeOf(event) {
  const { left, top } = canvas.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}

function moves(pointer) {
  return space || pointer.button === 1 || (pointer.touch && tool !== "box" && tool !== "lasso");
}

canvas.addEventListener("pointerdown", (event) => {
  if (!picture) return;
  canvas.setPointerCapture(event.pointerId);
  const at = placeOf(event);
  view.cross = null;
  dropCorners();
  pointers.set(event.pointerId, { at, begun: at, far: false, button: event.button, touch: event.pointerType === "touch" });
  if (pointers.size > 1) for (const each of pointers.values()) each.far = true; // two fingers click nothing
});

canvas.addEventListener("pointermove", (event) => {
  const pointer = pointers.get(event.pointerId);
  if (!pointer) return;
  const [before, at] = [pointer.at, placeOf(event)];
  pointer.at = at;
  pointer.far ||= Math.hypot(at.x - pointer.begun.x, at.y - pointer.begun.y) > A_DRAG;
  if (pointers.size === 2) pinch(pointer, before);
  else if (!pointer.far) return;
  else if (moves(pointer)) view.move(at.x - before.x, at.y - before.y);
  else if (pointer.button === 0) drawn = tool === "lasso" ? lassoTo(pointer) : boxOf(pointer);
  draw();
});

canvas.addEventListener("pointerup", (event) => {
  const pointer = pointers.get(event.pointerId);
  pointers.delete(event.pointerId);
  if (!pointer || space || pointer.button === 1) return draw();
  const around = drawn;
  drawn = null;
  if (around) return enclose(around);
  if (pointer.far) return draw();
  const negative = event.altKey || pointer.button === 2 || tool === "negative";
  click(view.pixel(pointer.at.x, pointer.at.y), !negative);
});

canvas.addEventListener("pointercancel", (event) => {
  pointers.delete(event.pointerId);
  drawn = null;
  draw();
});

function boxOf({ begun, at }) {
  return boxBetween(...[begun, at].map(({ x, y }) => view.pixel(x, y, true)));
}

function boxBetween(one, other) {
  const [left, top] = [Math.min(one.x, other.x), Math.min(one.y, other.y)];
  return { left, top, right: Math.max(one.x, other.x) + 1, bottom: Math.max(one.y, other.y) + 1 };
}

// One pixel more where the pointer is; of a line that has too many every second one goes.
function lassoTo({ begun, at }) {
  const { x, y } = view.pixel(at.x, at.y, true);
  const before = drawn?.lasso ?? [view.pixel(begun.x, begun.y, true)].map((first) => [first.x, first.y]);
  const line = before.length < MOST_CORNERS ? before : before.filter((_, k) => k % 2 === 0);
  return { lasso: [...line, [x, y]] };
}

function pinch(pointer, before) {
  const [other] = [...pointers.values()].filter((each) => each !== pointer);
  const apart = (at) => Math.hypot(at.x - other.at.x, at.y - other.at.y);
  view.zoom(apart(pointer.at) / Math.max(apart(before), 1), other.at.x, other.at.y);
}

canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { x, y } = placeOf(event);
  if (picture) view.zoom(Math.exp(-event.deltaY / 400), x, y);
  draw();
}, { passive: false });

canvas.addEventListener("contextmenu", (event) => event.preventDefault());

// ---- keys

const KEYS = {
  z: undo,
  y: redo,
  n: another,
  v: nextLook,
  0: fit,
  b: () => take(tool === "box" ? "positive" : "box"),
  l: () => take(tool === "lasso" ? "positive" : "lasso"),
};

addEventListener("keydown", (event) => {
  if (event.target.matches("input[type=range]")) return;
  const key = event.key.toLowerCase();
  if (event.key === " " && event.target === canvas) space = true;
  else if (event.target === canvas && cross(event)) draw();
  else if ((event.ctrlKey || event.metaKey) && key === "z") (event.shiftKey ? redo : undo)();
  else if (!event.ctrlKey && !event.metaKey && !event.altKey && KEYS[key]) KEYS[key]();
  else return;
  event.preventDefault();
});

addEventListener("keyup", (event) => {
  if (event.key === " ") space = false;
});

function cross(event) {
  if (!picture) return false;
  if (event.key === "Enter" && view.cross && ["box", "lasso"].includes(tool)) corner(view.cross);
  else if (event.key === "Enter" && view.cross) click(view.cross, !event.altKey && tool !== "negative");
  else if (event.key === "Escape") dropCorners();
  else if (ARROWS[event.key]) moveCross(...ARROWS[event.key], event.shiftKey ? 60 : 6);
  else if (event.key === "+" || event.key === "-") zoomByKey(event.key === "+" ? 1.25 : 0.8);
  else return false;
  return true;
}

function zoomByKey(factor) {
  view.zoom(factor, canvas.clientWidth / 2, canvas.clientHeight / 2);
  if (view.cross) view.follow(view.cross);
}

function moveCross(dx, dy, far) {
  const { width, height } = picture;
  const step = Math.max(1, Math.round((far * devicePixelRatio) / view.scale));
  const { x, y } = view.cross ?? { x: width >> 1, y: height >> 1 };
  const within = (value, size) => Math.min(Math.max(value, 0), size - 1);
  view.cross = { x: within(x + dx * step, width), y: within(y + dy * step, height) };
  view.follow(view.cross);
  drawToCross();
}

// A box has two corners; a lasso any number, and is closed by its last one once more.
function corner({ x, y }) {
  const again = corners.length && corners.at(-1).join() === [x, y].join();
  if (tool === "box" ? !corners.length : !again) {
    corners.push([x, y]);
    return drawToCross();
  }
  const around = tool === "box" ? drawn : { lasso: corners };
  dropCorners();
  enclose(around);
}

function drawToCross() {
  if (!corners.length) return;
  const [[x, y]] = corners;
  const to = view.cross;
  drawn = tool === "box" ? boxBetween({ x, y }, to) : { lasso: [...corners, [to.x, to.y]] };
}

function dropCorners() {
  corners = [];
  drawn = null;
}

// ---- the rest of the page

part("file").onchange = ({ target }) => {
  if (target.files[0]) open(target.files[0], target.files[0].name);
  target.value = ""; // so that the same one can be chosen again
};
for (const each of all("[data-sample]"))
  each.onclick = async () => {
    const name = `${each.dataset.sample}.jpg`;
    open(await (await fetch(`try/static/samples/${name}`)).blob(), name);
  };
for (const each of TOOLS)
  part(each).onclick = () => take(each);
for (const each of all("[data-look]"))
  each.onclick = () => {
    look = each.dataset.look;
    tell();
  };
for (const each of all("[data-download]")) each.onclick = () => download(each.dataset.download);
part("undo").onclick = undo;
part("redo").onclick = redo;
part("new").onclick = another;
part("fit").onclick = fit;
part("opacity").oninput = draw;

addEventListener("dragover", (event) => {
  event.preventDefault();
  part("stage").classList.add("dropping");
});
addEventListener("dragleave", () => part("stage").classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  part("stage").classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file) open(file, file.name);
});
new ResizeObserver(fit).observe(canvas);
tell();
