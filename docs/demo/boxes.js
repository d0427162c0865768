// From the outputs of the layout "levels" to boxes, as mmbfbox/deploy/postprocess.py does it.

/**
 * Boxes above a score, in pixels of the picture, one for each face, best first.
 * @param {Object<string, {data: Float32Array, dims: number[]}>} outputs score_<stride> and bbox_<stride>
 * @param {object} model what readMetadata gives
 * @param {object} placed what place gives
 * @param {number} least score
 * @returns {number[][]} left, top, right, bottom, score
 */
export function findBoxes(outputs, model, placed, least) {
  const found = model.strides.flatMap((stride) => decode(outputs, stride, least));
  const boxes = found
    .map((box) => toPicture(box, placed))
    .filter(([left, top, right, bottom]) => right > left && bottom > top);
  return suppress(boxes, model.iou, model.most);
}

function decode(outputs, stride, least) {
  const { data: scores, dims } = outputs[`score_${stride}`];
  const sides = outputs[`bbox_${stride}`].data;
  const [, , rows, columns] = dims;
  const area = rows * columns;
  const boxes = [];
  for (let index = 0; index < scores.length; index++) {
    if (!(scores[index] > least)) continue;
    const anchor = Math.floor(index / area);
    const cell = index % area;
    const [x, y] = [(cell % columns) + 0.5, Math.floor(cell / columns) + 0.5];
    const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => sides[(4 * anchor + side) * area + cell]);
    const corners = [x - left, y - top, x + right, y + bottom].map((edge) => edge * stride);
    boxes.push([...corners, scores[index]]);
  }
  return boxes;
}

function toPicture([left, top, right, bottom, score], { height, width, rows, columns }) {
  const x = (edge) => (Math.min(Math.max(edge, 0), columns) * width) / columns;
  const y = (edge) => (Math.min(Math.max(edge, 0), rows) * height) / rows;
  return [x(left), y(top), x(right), y(bottom), score];
}

function suppress(boxes, iou, most) {
  const kept = [];
  for (const box of boxes.sort((a, b) => b[4] - a[4])) {
    if (kept.length === most) break;
    if (!kept.some((better) => overlaps(better, box, iou))) kept.push(box);
  }
  return kept;
}

function overlaps(a, b, iou) {
  const width = Math.max(Math.min(a[2], b[2]) - Math.max(a[0], b[0]), 0);
  const height = Math.max(Math.min(a[3], b[3]) - Math.max(a[1], b[1]), 0);
  const shared = width * height;
  const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);
  return shared > iou * (area(a) + area(b) - shared);
}
