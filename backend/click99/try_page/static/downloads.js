// Masks as files.

export function maskFile(picture, object) {
  const canvas = fullSize(picture, object.mask, object.mask.solid.full);
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "destination-over";
  context.fillRect(0, 0, canvas.width, canvas.height); // black
  return png(canvas);
}

export async function cutOutFile(picture, object) {
  const canvas = fullSize(picture, object.mask, object.mask.matte.full);
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "source-in";
  context.drawImage(await picture.whole(), 0, 0);
  return png(canvas);
}

// A COCO dataset of one picture; its run lengths go down the columns, of nothing first.
export function cocoFile(picture, objects) {
  const { width, height } = picture;
  const annotations = objects.map((each) => ({ id: each.number, image_id: 1, category_id: 1, iscrowd: 0, ...segmentation(picture, each) }));
  const dataset = {
    images: [{ id: 1, file_name: picture.name, width, height }],
    categories: [{ id: 1, name: "object" }],
    annotations,
  };
  return new Blob([JSON.stringify(dataset)], { type: "application/json" });
}

function segmentation(picture, { mask }) {
  const { width, height } = picture;
  const { data } = fullSize(picture, mask, mask.solid.full).getContext("2d").getImageData(0, 0, width, height);
  const [counts, ends] = [[], { left: width, top: height, right: 0, bottom: 0 }];
  let [area, inside, length] = [0, false, 0];
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      const now = data[4 * (y * width + x) + 3] > 0;
      if (now !== inside) {
        counts.push(length);
        [inside, length] = [now, 0];
      }
      length++;
      if (!now) continue;
      area++;
      ends.left = Math.min(ends.left, x);
      ends.right = Math.max(ends.right, x + 1);
      ends.top = Math.min(ends.top, y);
      ends.bottom = Math.max(ends.bottom, y + 1);
    }
  counts.push(length);
  const bbox = area ? [ends.left, ends.top, ends.right - ends.left, ends.bottom - ends.top] : [0, 0, 0, 0];
  return { segmentation: { size: [height, width], counts }, area, bbox };
}

function fullSize({ width, height }, { left, top }, part) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(part, left, top);
  return canvas;
}

function png(canvas) {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
