// A picture on the server, and the objects clicked in it: prompts, and the mask that they are answered with.

const HALF = 127; // of 255: more belongs to the object
const LARGE = 16e6; // pixels; of larger pictures a copy is shown, and sharp what is looked at
const COPY = 2048; // pixels of the copy's longer side
const QUICK = 4e6; // pixels of a mask that are drawn in no time; of larger ones there is a copy
const COLOURS = ["#ff2d95", "#1c9cff", "#ffb000", "#12c46b", "#a05cff", "#ff5c39", "#00c2c7", "#c6d100"];

export class Refused extends Error {}

async function post(path, body) {
  let reply;
  try {
    reply = await fetch(path, { method: "POST", body });
  } catch {
    throw new Refused("click99 does not answer. Is it still running?");
  }
  const told = await reply.json().catch(() => ({}));
  if (!reply.ok) throw Object.assign(new Refused(told.detail ?? `click99 answered ${reply.status}`), { status: reply.status });
  return told;
}

export class Picture {
  // file: a Blob. bitmap: its pixels as they are shown, of a large picture fewer.
  static async open(file, name) {
    const { picture: key, width, height } = await post("try/pictures", file);
    const picture = Object.assign(new Picture(), { file, name, key, width, height });
    picture.bitmap = await (width * height > LARGE ? picture.part({ left: 0, top: 0, right: width, bottom: height }, COPY) : picture.whole());
    return picture;
  }

  get isCopy() {
    return this.bitmap.width < this.width;
  }

  // All of its pixels. What the browser can't show, or shows otherwise, a TIFF, say, click99 decodes.
  async whole() {
    const bitmap = await createImageBitmap(this.file).catch(() => null);
    if (bitmap?.width === this.width && bitmap?.height === this.height) return bitmap;
    return createImageBitmap(await (await fetch(`try/pictures/${this.key}`)).blob());
  }

  // What lies in a section, with at most so many pixels a side.
  async part(section, side) {
    const reply = await fetch(`try/pictures/${this.key}?${new URLSearchParams({ ...section, side })}`);
    if (!reply.ok) throw new Refused(`click99 does not show the picture (${reply.status})`);
    return createImageBitmap(await reply.blob());
  }

  async mask(prompts) {
    const ask = () => post("try/masks", JSON.stringify({ picture: this.key, prompts }));
    try {
      return await ask();
    } catch (error) {
      if (error.status !== 404) throw error;
      await post("try/pictures", this.file); // forgotten meanwhile
      return ask();
    }
  }
}

export class ClickedObject {
  constructor(number) {
    this.number = number;
    this.colour = COLOURS[(number - 1) % COLOURS.length];
    this.prompts = [];
    this.undone = [];
    this.mask = null; // { matte, solid, left, top }: soft, and what is more in than out, as of `levels`
    this.quality = this.milliseconds = 0;
    this.asked = 0;
  }

  add(prompt) {
    this.prompts.push({ id: newId(), ...prompt });
    this.undone = [];
  }

  undo() {
    if (this.prompts.length) this.undone.push(this.prompts.pop());
  }

  redo() {
    if (this.undone.length) this.prompts.push(this.undone.pop());
  }

  // The mask for the prompts there are; of several questions on their way the last one counts.
  async ask(picture) {
    const [number, begun] = [++this.asked, performance.now()];
    const answer = this.prompts.length ? await picture.mask(this.prompts) : null;
    const matte = answer?.png ? await createImageBitmap(blobOf(answer.png)) : null;
    const mask = matte && { matte: await levels(matte), solid: await levels(solid(matte)), left: answer.left, top: answer.top };
    if (number !== this.asked) return;
    this.mask = mask;
    this.quality = answer?.quality ?? 0;
    this.milliseconds = performance.now() - begun;
  }
}

// A bitmap, and a copy of it at `factor` times its size for the screen.
async function levels(full) {
  const factor = Math.min(1, Math.sqrt(QUICK / (full.width * full.height)));
  if (factor === 1) return { full, small: full, factor };
  const [resizeWidth, resizeHeight] = [full.width, full.height].map((each) => Math.max(1, Math.round(each * factor)));
  return { full, small: await createImageBitmap(full, { resizeWidth, resizeHeight }), factor };
}

function solid(matte) {
  const canvas = Object.assign(document.createElement("canvas"), { width: matte.width, height: matte.height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(matte, 0, 0);
  const image = context.getImageData(0, 0, matte.width, matte.height);
  for (let k = 3; k < image.data.length; k += 4) image.data.fill(image.data[k] > HALF ? 255 : 0, k - 3, k + 1);
  context.putImageData(image, 0, 0);
  return canvas;
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (each) => each.toString(36)).join("-");
}

function blobOf(base64) {
  return new Blob([Uint8Array.from(atob(base64), (each) => each.charCodeAt(0))], { type: "image/png" });
}
