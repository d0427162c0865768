// What an exported model says of itself: the texts in its ONNX file, which onnxruntime-web does not hand out.

const METADATA_PROPS = 14; // of ModelProto: pairs of a key (1) and a value (2)

/** The fields of a protobuf message: numbers, and the bytes of those that have a length. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag % 8;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = varint();
      yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
      at += length;
    } else throw new Error('the model is damaged, or no ONNX file');
  }
}

/**
 * How a model's outputs are to be read.
 * @param {Uint8Array} model the bytes of an exported .onnx file of the layout "levels"
 * @returns {{strides: number[], anchors: number, mean: number[], iou: number, most: number}} mean in BGR
 */
export function readMetadata(model) {
  const text = new TextDecoder();
  const said = {};
  for (const [number, entry] of fields(model)) {
    if (number !== METADATA_PROPS) continue;
    const pair = Object.fromEntries([...fields(entry)].map(([key, value]) => [key, text.decode(value)]));
    said[pair[1]] = pair[2];
  }
  if (said['mmbfbox.layout'] !== 'levels') {
    throw new Error('the model is no exported detector of the layout "levels"');
  }
  const value = (name) => JSON.parse(said[`mmbfbox.${name}`]);
  return {
    strides: value('strides'),
    anchors: value('anchors'),
    mean: value('mean'),
    iou: value('nms_iou'),
    most: value('max_faces'),
  };
}
