// A picture on the server, and the objects clicked in it: prompts, and the mask that they are answered with.

const HALF = 127; // of 255: more belongs to the object
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
  // file: a Blob. bitmap: its pixels as they are shown.
  static async open(file, name) {
    const told = await post("try/pictures", file);
    const bitmap = await createImageBitmap(file).catch(() => null);
    const fits = bitmap?.width === told.width && bitmap?.height === told.height;
    return new Picture(file, name, told.picture, fits ? bitmap : await Picture.#decoded(told.picture));
  }

  // What the browser can't show, or shows otherwise: a TIFF, say.
  static async #decoded(key) {
    const reply = await fetch(`try/pictures/${key}`);
    return createImageBitmap(await reply.blob());
  }

  constructor(file, name, key, bitmap) {
    Object.assign(this, { file, name, key, bitmap });
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
    this.mask = null; // { matte, solid, left, top }: soft, and what is more in than out
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
    if (number !== this.asked) return;
    this.mask = matte && { matte, solid: solid(matte), left: answer.left, top: answer.top };
    this.quality = answer?.quality ?? 0;
    this.milliseconds = performance.now() - begun;
  }
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
