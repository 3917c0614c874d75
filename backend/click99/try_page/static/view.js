// The picture and its masks on a canvas: zoomed, moved, and from there back to the picture's pixels.

const RING = 2; // screen pixels of an outline
const DIRECTIONS = [[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]];

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.layer = document.createElement("canvas"); // one object at a time, before it is coloured
    this.picture = null; // { width, height, bitmap }, a bitmap of any size
    this.detail = null; // { bitmap, left, top, right, bottom }: a part of it, sharper
    this.scale = 1; // screen pixels of one of the picture
    this.left = this.top = 0; // where its corner is on the screen
    this.cross = null; // the keyboard's pointer, in the picture's pixels
  }

  show(picture) {
    this.picture = picture;
    this.cross = this.detail = null;
    this.fit();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    for (const each of [this.canvas, this.layer]) {
      each.width = Math.round(clientWidth * devicePixelRatio);
      each.height = Math.round(clientHeight * devicePixelRatio);
    }
  }

  fit() {
    this.resize();
    if (!this.picture) return;
    const { width, height } = this.picture;
    this.scale = Math.min(this.canvas.width / width, this.canvas.height / height, 8 * devicePixelRatio);
    this.left = (this.canvas.width - width * this.scale) / 2;
    this.top = (this.canvas.height - height * this.scale) / 2;
  }

  // x, y: in CSS pixels of the canvas, as events have them.
  zoom(factor, x, y) {
    const scale = Math.min(Math.max(this.scale * factor, 0.02), 40 * devicePixelRatio);
    const [across, down] = [x * devicePixelRatio, y * devicePixelRatio];
    this.left = across - ((across - this.left) * scale) / this.scale;
    this.top = down - ((down - this.top) * scale) / this.scale;
    this.scale = scale;
  }

  move(dx, dy) {
    this.left += dx * devicePixelRatio;
    this.top += dy * devicePixelRatio;
  }

  // Moves no farther than until a pixel can be seen.
  follow({ x, y }) {
    const into = (at, size) => Math.min(Math.max(at, 0), size - this.scale) - at;
    this.left += into(this.left + x * this.scale, this.canvas.width);
    this.top += into(this.top + y * this.scale, this.canvas.height);
  }

  // The pixel under a place of the canvas; null beside the picture, or the nearest one.
  pixel(x, y, nearest = false) {
    const at = { x: Math.floor((x * devicePixelRatio - this.left) / this.scale), y: Math.floor((y * devicePixelRatio - this.top) / this.scale) };
    const { width, height } = this.picture;
    const inside = at.x >= 0 && at.y >= 0 && at.x < width && at.y < height;
    if (!inside && !nearest) return null;
    return { x: Math.min(Math.max(at.x, 0), width - 1), y: Math.min(Math.max(at.y, 0), height - 1) };
  }

  // What can be seen, in the picture's pixels; null where its bitmap is as sharp as the screen.
  section() {
    const { width, height, bitmap } = this.picture;
    if (this.scale * width <= bitmap.width) return null;
    const ends = (from, screen, size) => [Math.floor(-from / this.scale), Math.ceil((screen - from) / this.scale)].map((each) => Math.min(Math.max(each, 0), size));
    const [[left, right], [top, bottom]] = [ends(this.left, this.canvas.width, width), ends(this.top, this.canvas.height, height)];
    return left < right && top < bottom ? { left, top, right, bottom } : null;
  }

  // objects: as of objects.js. look: mask, outline or cutout.
  draw(objects, current, look, opacity, drawn) {
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.picture) return;
    const masked = objects.filter((each) => each.mask);
    if (look === "cutout" && masked.length) this.#cutOut(context, masked);
    else {
      this.#place(context);
      this.#picture(context);
      for (const each of masked) this.#mask(context, each, look, opacity);
    }
    if (current) for (const prompt of current.prompts) this.#prompt(context, prompt);
    if (drawn) this.#around(context, drawn);
    if (this.cross) this.#cross(context);
  }

  #place(context, dx = 0, dy = 0) {
    context.setTransform(this.scale, 0, 0, this.scale, this.left + dx, this.top + dy);
    context.imageSmoothingEnabled = this.scale < 2;
  }

  #picture(context) {
    const { bitmap, width, height } = this.picture;
    context.drawImage(bitmap, 0, 0, width, height);
    if (!this.detail) return;
    const { left, top, right, bottom } = this.detail;
    context.drawImage(this.detail.bitmap, left, top, right - left, bottom - top);
  }

  #level(context, { full, small, factor }, left, top) {
    context.drawImage(this.scale <= factor ? small : full, left, top, full.width, full.height);
  }

  #clean() {
    const layer = this.layer.getContext("2d");
    layer.setTransform(1, 0, 0, 1, 0, 0);
    layer.globalCompositeOperation = "source-over";
    layer.clearRect(0, 0, this.layer.width, this.layer.height);
    return layer;
  }

  #mask(context, { mask, colour }, look, opacity) {
    const layer = this.#clean();
    const ring = look === "outline" ? RING * devicePixelRatio : 0;
    for (const [dx, dy] of ring ? DIRECTIONS : [[0, 0]]) {
      this.#place(layer, dx * ring, dy * ring);
      this.#level(layer, mask.solid, mask.left, mask.top);
    }
    if (ring) {
      layer.globalCompositeOperation = "destination-out";
      this.#place(layer);
      this.#level(layer, mask.solid, mask.left, mask.top);
    }
    layer.globalCompositeOperation = "source-in";
    layer.setTransform(1, 0, 0, 1, 0, 0);
    layer.fillStyle = colour;
    layer.fillRect(0, 0, this.layer.width, this.layer.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = ring ? 1 : opacity;
    context.drawImage(this.layer, 0, 0);
    context.globalAlpha = 1;
  }

  #cutOut(context, masked) {
    const layer = this.#clean();
    this.#place(layer);
    for (const { mask } of masked) this.#level(layer, mask.matte, mask.left, mask.top);
    layer.globalCompositeOperation = "source-in";
    this.#picture(layer);
    const side = 8 * devicePixelRatio;
    const { width, height } = this.picture;
    context.save();
    context.beginPath();
    context.rect(this.left, this.top, width * this.scale, height * this.scale);
    context.clip();
    for (let y = 0; y * side < this.canvas.height; y++)
      for (let x = 0; x * side < this.canvas.width; x++) {
        context.fillStyle = (x + y) % 2 ? "#fff" : "#ccc";
        context.fillRect(x * side, y * side, side, side);
      }
    context.restore();
    context.drawImage(this.layer, 0, 0);
  }

  #prompt(context, prompt) {
    if (!("x" in prompt)) return this.#around(context, prompt);
    const [x, y] = this.#screen(prompt.x + 0.5, prompt.y + 0.5);
    const radius = 5 * devicePixelRatio;
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeStyle = "#fff";
    context.fillStyle = prompt.positive ? "#12803c" : "#d02a2a";
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
    context.beginPath(); // the sign, for those who see no red or green
    context.moveTo(x - radius / 2, y);
    context.lineTo(x + radius / 2, y);
    if (prompt.positive) {
      context.moveTo(x, y - radius / 2);
      context.lineTo(x, y + radius / 2);
    }
    context.lineWidth = devicePixelRatio;
    context.stroke();
  }

  // A box or a lasso.
  #around(context, { lasso, left, top, right, bottom }) {
    const corners = lasso?.map(([x, y]) => [x + 0.5, y + 0.5]) ?? [[left, top], [right, top], [right, bottom], [left, bottom]];
    const line = new Path2D();
    for (const corner of corners) line.lineTo(...this.#screen(...corner));
    line.closePath();
    context.lineWidth = 2 * devicePixelRatio;
    for (const [colour, dash] of [["#000", []], ["#fff", [6, 6]]]) {
      context.setLineDash(dash.map((each) => each * devicePixelRatio));
      context.strokeStyle = colour;
      context.stroke(line);
    }
    context.setLineDash([]);
  }

  #cross(context) {
    const [x, y] = this.#screen(this.cross.x + 0.5, this.cross.y + 0.5);
    const reach = 12 * devicePixelRatio;
    for (const [colour, width] of [["#000", 4], ["#fff", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width * devicePixelRatio;
      context.beginPath();
      context.moveTo(x - reach, y);
      context.lineTo(x + reach, y);
      context.moveTo(x, y - reach);
      context.lineTo(x, y + reach);
      context.stroke();
    }
  }

  // And sets the context to screen pixels.
  #screen(x, y) {
    this.canvas.getContext("2d").setTransform(1, 0, 0, 1, 0, 0);
    return [this.left + x * this.scale, this.top + y * this.scale];
  }
}
