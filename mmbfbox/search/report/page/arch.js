// A drawing of one architecture. Wires run between the rows and turn into a node from above or below, so
// none of them crosses a node.
const ROW = 66, BLOCK = 90, NODE = 15, LANE = 9, STEP = 74;

function family(choice) {
  return ['dense', 'dw', 'basic', 'skip'].find((name) => choice.startsWith(name)) ?? 'conv';
}

// An orthogonal line through the corners, rounded.
function rounded(corners, radius = 7) {
  let d = `M${corners[0]}`;
  for (let i = 1; i < corners.length - 1; i++) {
    const [before, corner, after] = [corners[i - 1], corners[i], corners[i + 1]];
    const ends = [before, after].map((other) => {
      const dx = other[0] - corner[0], dy = other[1] - corner[1], length = Math.hypot(dx, dy) || 1;
      const r = Math.min(radius, length / 2);
      return [corner[0] + (dx / length) * r, corner[1] + (dy / length) * r];
    });
    d += `L${ends[0]}Q${corner} ${ends[1]}`;
  }
  return d + `L${corners[corners.length - 1]}`;
}

function drawArch() {
  const arch = archOf(state.place), levels = arch.stages.length, first = data.firstLevel;
  const deepest = Math.max(...arch.stages.map((stage) => stage.length));
  const left = 88, laterals = left + deepest * BLOCK + 44;
  const lanes = laterals + NODE + 12 + arch.merges.length * LANE;
  const column = (step) => lanes + 32 + step * STEP;
  const end = column(arch.merges.length - 1) + 66, width = end + 46, height = levels * ROW + 4;
  const y = (level) => 40 + (level - first) * ROW;
  const svg = make('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': archText(state.place) });
  const flow = (corners) => svg.append(make('path', { class: 'flow', d: rounded(corners) }));
  const label = (x, at, text, soft, anchor = 'middle') =>
    svg.append(make('text', { x, y: at, 'text-anchor': anchor, ...(soft ? { class: 'soft' } : {}) }, text));

  label(8, 14, 'level', true, 'start'); label(left, 14, 'backbone: blocks of each stage', true, 'start');
  label(laterals, 14, 'lateral', true); label((column(0) + column(arch.merges.length - 1)) / 2, 14, 'merges, in order', true); label(end + 16, 14, 'head', true);

  // Signals along the rows, and the backbone's way down from stage to stage.
  arch.stages.forEach((stage, i) => {
    const level = i + first, at = y(level), tail = left + stage.length * BLOCK - 8;
    const merged = data.laterals.includes(level);
    flow([[left, at], [merged ? end : tail + 12, at]]);
    if (merged) svg.append(make('path', { class: 'arrowhead', d: `M${end} ${at - 4}l8 4l-8 4z` }));
    if (i + 1 < levels) flow([[tail + 12, at], [tail + 12, at + ROW / 2], [left - 14, at + ROW / 2], [left - 14, at + ROW], [left, at + ROW]]);
    if (i === 0) flow([[left - 14, at], [left, at]]);
  });

  // Wires of the merges. Each has its own lane beside its source, and its own height beside its target.
  const produced = {};
  arch.merges.forEach((merge, step) => { produced[`p${merge.target}`] = step; });
  const taps = {}, heights = {};
  const nodes = [];
  arch.merges.forEach((merge, step) => {
    const level = Number(merge.source.slice(1)), kind = level > merge.target ? 'down' : 'up';
    const side = level > merge.target ? 1 : -1, to = y(merge.target), from = y(level);
    const gap = level > merge.target ? merge.target : merge.target - 1;
    const used = (heights[gap] = (heights[gap] ?? -1) + 1);
    const corridor = y(gap) + ROW / 2 + [0, 6, -6, 11, -11][used % 5];
    let lane = laterals + NODE + 10 + step * LANE;
    if (merge.source[0] === 'p') {
      const tap = (taps[merge.source] = (taps[merge.source] ?? -1) + 1);
      lane = column(produced[merge.source]) + NODE + 9 + tap * 7;
    }
    const x = column(step);
    svg.append(make('path', { class: `wire ${kind}`, d: rounded([[lane, from], [lane, corridor], [x, corridor], [x, to + side * (NODE + 1)]]) },
      make('title', {}, `p${merge.target} = c${merge.target} + ${merge.source}`)));
    svg.append(make('circle', { class: `tap ${kind}`, cx: lane, cy: from, r: 3.6 }));
    nodes.push([x, to, `p${merge.target}`, kind, `p${merge.target} = c${merge.target} + ${merge.source}`]);
  });
  arch.stages.forEach((stage, i) => {
    const level = i + first, at = y(level);
    label(8, at - 1, `c${level}`, false, 'start'); label(8, at + 13, `stride ${2 ** level}`, true, 'start');
    stage.forEach((choice, slot) => {
      const x = left + slot * BLOCK;
      svg.append(make('rect', { class: `block ${family(choice)}`, x, y: at - 14, width: BLOCK - 10, height: 28, rx: 6 }));
      // The signal's line goes on through a skip, and its name stands above it.
      label(x + (BLOCK - 10) / 2, at + (choice === 'skip' ? -3 : 4), choice, choice === 'skip');
    });
    if (data.laterals.includes(level)) nodes.push([laterals, at, `c${level}`, '', `lateral of level ${level}`]);
  });
  for (const [x, at, name, kind, title] of nodes) {
    svg.append(make('circle', { class: `node ${kind}`, cx: x, cy: at, r: NODE }, make('title', {}, title)));
    label(x, at + 4, name);
  }
  byId('drawing').replaceChildren(svg);

  const rank = data.best.findIndex((one) => one.place === state.place);
  byId('drawing-title').textContent = rank === 0 ? 'Best architecture' : `Candidate ${data.index[state.place]}${rank > 0 ? `, rank ${rank + 1}` : ''}`;
  byId('drawing-note').textContent = `${data.subsets.map((name) => `${name} ${data.scores[name][state.place].toFixed(2)}`).join(', ')} AP; ` +
    `${short(data.costs.backbone_macs[state.place])} multiply-adds in the backbone at 224x224, ${short(data.costs.params[state.place])} parameters.`;
  const key = (cls, text, style) => make('span', {}, make('i', { class: cls, style }), text);
  const block = (name, text) => key('', text, `background:var(--${name});border-color:var(--${name}-edge)`);
  const families = new Set(arch.stages.flat().map(family));
  byId('legend').replaceChildren(...[
    families.has('conv') ? block('conv', 'bottleneck with a KxK convolution') : null,
    families.has('dw') ? block('dw', 'depthwise kernels') : null,
    families.has('dense') ? block('dense', 'dense layers') : null,
    families.has('basic') ? block('basic', 'two KxK convolutions') : null,
    families.has('skip') ? key('skip', 'skip: no block') : null,
    key('wire', 'from a coarser level, upsampled', 'border-color:var(--down)'),
    key('wire', 'from a finer level, pooled', 'border-color:var(--up)'),
  ].filter(Boolean));
}
