// From pixels to the network's input, as mmbfbox/utils/placement.py does it with OpenCV.

/**
 * Where a picture goes.
 * @param {number} height of the picture
 * @param {number} width of the picture
 * @param {number} size longer side of what the network sees
 * @param {number} divisor the network's largest stride
 */
export function place(height, width, size, divisor) {
  const factor = Math.min(size / height, size / width);
  const [rows, columns] = [height, width].map((side) => Math.max(1, Math.floor(side * factor + 0.5)));
  const [outerRows, outerColumns] = [rows, columns].map((side) => Math.ceil(side / divisor) * divisor);
  return { height, width, rows, columns, outerRows, outerColumns };
}

/**
 * The input: BGR from 0 to 255, resized bilinearly, filled up with the mean colour to the right and below.
 * @param {ImageData} image
 * @param {number[]} mean BGR
 * @returns {Float32Array} (3, outerRows, outerColumns)
 */
export function fill(image, placed, mean) {
  const { rows, columns, outerRows, outerColumns } = placed;
  const area = outerRows * outerColumns;
  const input = new Float32Array(3 * area);
  mean.forEach((colour, channel) => input.fill(colour, channel * area, (channel + 1) * area));
  const pixels = image.data;
  const across = steps(image.width, columns);
  const down = steps(image.height, rows);
  for (let row = 0; row < rows; row++) {
    const [top, bottom, low] = down[row].map((value, i) => (i < 2 ? value * image.width : value));
    for (let column = 0; column < columns; column++) {
      const [left, right, far] = across[column];
      for (let channel = 0; channel < 3; channel++) {
        const at = 2 - channel; // RGBA becomes BGR
        const upper = mix(pixels[4 * (top + left) + at], pixels[4 * (top + right) + at], far);
        const lower = mix(pixels[4 * (bottom + left) + at], pixels[4 * (bottom + right) + at], far);
        // OpenCV resizes 8-bit pixels to 8-bit pixels.
        input[channel * area + row * outerColumns + column] = Math.round(mix(upper, lower, low));
      }
    }
  }
  return input;
}

function mix(first, second, share) {
  return first + (second - first) * share;
}

/** For each new pixel the two old ones that it lies between, and the share of the second. */
function steps(before, after) {
  return Array.from({ length: after }, (_, index) => {
    const at = Math.min(Math.max(((index + 0.5) * before) / after - 0.5, 0), before - 1);
    const first = Math.floor(at);
    return [first, Math.min(first + 1, before - 1), at - first];
  });
}
