// A face detector in WebAssembly, on one thread: several need headers that a plain web server does not send.

import { findBoxes } from './boxes.js';
import { readMetadata } from './metadata.js';
import { fill, place } from './placement.js';

/** The least score that is kept: what is shown can be changed without looking again. */
export const LEAST = 0.05;

export class Detector {
  /** Load a model from an address beside this page. */
  static async load(address) {
    const ort = await import('./vendor/ort.wasm.min.mjs');
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL('./vendor/', import.meta.url).href;
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the model ${address} is not there (${answer.status})`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
    return new Detector(ort, session, readMetadata(bytes));
  }

  constructor(ort, session, model) {
    Object.assign(this, { ort, session, model });
  }

  /**
   * The faces of a picture.
   * @param {ImageData} image
   * @param {number} size longer side of what the network sees
   * @returns {Promise<number[][]>} left, top, right, bottom in pixels of the picture, and score; best first
   */
  async detect(image, size) {
    const placed = place(image.height, image.width, size, Math.max(...this.model.strides));
    const input = fill(image, placed, this.model.mean);
    const shape = [1, 3, placed.outerRows, placed.outerColumns];
    const outputs = await this.session.run({ image: new this.ort.Tensor('float32', input, shape) });
    return findBoxes(outputs, this.model, placed, LEAST);
  }
}
