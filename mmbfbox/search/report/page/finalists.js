// The finalists: curves over iterations, the table of the rungs, and what they have shown.
const KIND = { candidate: 'searched', control: 'random', baseline: 'baseline' };
const KIND_COLOR = { candidate: '--dot', control: '--dense-edge', baseline: '--front' };

// Lines over iterations, which grow threefold from rung to rung: a logarithmic axis.
function curves(host, { lines, yLabel, knots, marks }) {
  const width = Math.max(280, host.clientWidth), height = Math.round(Math.min(360, Math.max(240, width * 0.55)));
  const [left, right, top, bottom] = [52, 14, 12, 44];
  const xs = [...marks, ...lines.flatMap(({ points }) => points.map(([x]) => x))], ys = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const [x0, x1] = padded(xs.map(Math.log)), [y0, y1] = padded(ys);
  const px = (v) => left + ((Math.log(v) - x0) / (x1 - x0)) * (width - left - right);
  const py = (v) => height - bottom - ((v - y0) / (y1 - y0)) * (height - top - bottom);
  const svg = make('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${yLabel} over iterations` });
  for (const t of ticks(y0, y1, height / 60)) svg.append(
    make('line', { class: 'gridline', x1: left, x2: width - right, y1: py(t), y2: py(t) }),
    make('text', { x: left - 8, y: py(t) + 4, 'text-anchor': 'end' }, String(Number(t.toPrecision(6)))));
  for (const mark of marks) svg.append(
    make('line', { class: 'gridline', x1: px(mark), x2: px(mark), y1: top, y2: height - bottom }),
    make('text', { x: px(mark), y: height - bottom + 17, 'text-anchor': 'middle' }, number(mark)));
  svg.append(
    make('path', { class: 'axis', d: `M${left} ${top}V${height - bottom}H${width - right}` }),
    make('text', { x: (left + width - right) / 2, y: height - 6, 'text-anchor': 'middle' }, 'iterations'),
    make('text', { transform: `translate(13 ${(top + height - bottom) / 2}) rotate(-90)`, 'text-anchor': 'middle' }, yLabel));
  for (const { network, points } of lines) {
    const spots = points.map(([x, y]) => `${px(x).toFixed(1)} ${py(y).toFixed(1)}`);
    const won = network.name === data.finalists.winner ? ' winner' : '';
    const path = make('path', { class: `line ${network.kind}${won}`, d: `M${spots.join('L')}` });
    // Wide and unseen, so that a thin line can be pointed at.
    const hit = make('path', { d: `M${spots.join('L')}`, fill: 'none', stroke: 'transparent', 'stroke-width': 12 });
    hit.addEventListener('pointermove', (event) => { path.classList.add('over'); showFinalist(event, network); });
    hit.addEventListener('pointerleave', () => { path.classList.remove('over'); hideTip(); });
    svg.append(path);
    if (knots) svg.append(make('path', { class: `knot ${network.kind}`, d: spots.map((spot) => `M${spot}h.01`).join('') }));
    svg.append(hit);
  }
  host.replaceChildren(svg);
}

function showFinalist(event, network) {
  const place = network.candidate === null ? -1 : data.index.indexOf(network.candidate);
  if (place >= 0) showTip(event, place);
  else placeTip(event, make('b', {}, network.name), make('br'), `${short(network.macs)} multiply-adds`);
  if (place >= 0) byId('tip').prepend(make('b', {}, `${network.name}, `));
}

function drawFinalists() {
  const all = data.finalists;
  if (!all) return;
  const networks = [...all.networks].reverse().filter(({ curve }) => curve.length);
  curves(byId('loss-plot'), { lines: networks.map((network) => ({ network, points: network.curve })), yLabel: 'training loss', marks: all.rungs });
  const metric = networks.every(({ scores }) => scores.every((one) => !one || Number.isFinite(one[state.metric]))) ? state.metric : all.metric;
  const rungs = (network) => network.scores.slice(0, all.rungs.length).map((one, i) => one && [all.rungs[i], one[metric]]).filter(Boolean);
  curves(byId('rung-plot'), { lines: networks.map((network) => ({ network, points: rungs(network) })), yLabel: `${metric} AP (%)`, knots: true, marks: all.rungs });
}

function fillFinalists() {
  const all = data.finalists;
  if (!all) return;
  byId('finalists').hidden = false;
  const fixed = (value, digits) => value === null || value === undefined ? '–' : value.toFixed(digits);
  const repeats = Array.from({ length: all.repeats }, (_, i) => `${all.metric}, repeat ${i + 1}`);
  const rounds = [...all.rungs.map((iterations) => `${all.metric} at ${number(iterations)}`), ...repeats];
  const head = rounds.flatMap((name) => [name, 'loss']).concat(all.repeats ? [`mean ${all.metric}`] : []);
  byId('rungs').replaceChildren(
    make('thead', {}, make('tr', {}, make('th', { class: 'text' }, 'network'), make('th', { class: 'text' }, 'what'),
      ...['one-shot ' + all.metric, ...head, 'detector MACs'].map((text) => make('th', {}, text)))),
    make('tbody', {}, ...all.networks.map((network) => make('tr', { class: network.name === all.winner ? 'winner' : undefined, title: network.error ?? undefined },
      make('td', { class: 'text' }, make('i', { style: `background:var(${KIND_COLOR[network.kind]})` }), network.name),
      make('td', { class: 'text' }, KIND[network.kind] + (network.name === all.winner ? ', winner' : '') + (network.error ? ', lost' : '')),
      make('td', {}, fixed(network.oneShot[all.metric], 2)),
      ...rounds.flatMap((_, i) => [make('td', { class: 'key' }, network.scores[i] ? fixed(network.scores[i][all.metric], 2) : ''),
        make('td', { class: 'weak' }, network.losses[i] ? fixed(network.losses[i], 3) : '')]),
      ...(all.repeats ? [make('td', { class: 'key' }, network.mean === null ? '' : fixed(network.mean, 2))] : []),
      make('td', {}, short(network.macs))))));
  byId('rungs-said').replaceChildren(...all.said.map((text) => make('li', {}, text)));
}
