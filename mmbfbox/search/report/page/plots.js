// Scatter plots. All dots of one kind are a few paths, so 10,000 candidates stay quick.
const CHUNKS = 8;

// Draws into host; x and y are arrays over the candidates, line a list of places for a step line.
function scatter(host, { x, y, errors, xLabel, yLabel, line, dotsOnLine, lineEnd, format }) {
  const width = Math.max(280, host.clientWidth), height = Math.round(Math.min(430, Math.max(260, width * 0.42)));
  const [left, right, top, bottom] = [52, 14, 12, 44];
  const ends = errors && dotsOnLine ? line.flatMap((place) => [y[place] - errors[place], y[place] + errors[place]]) : [];
  const [x0, x1] = padded(x), [y0, y1] = padded([...y, ...ends]);
  const px = (v) => left + ((v - x0) / (x1 - x0)) * (width - left - right);
  const py = (v) => height - bottom - ((v - y0) / (y1 - y0)) * (height - top - bottom);
  const svg = make('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${yLabel} against ${xLabel}` });
  for (const t of ticks(y0, y1, height / 60)) svg.append(
    make('line', { class: 'gridline', x1: left, x2: width - right, y1: py(t), y2: py(t) }),
    make('text', { x: left - 8, y: py(t) + 4, 'text-anchor': 'end' }, String(Number(t.toPrecision(6)))));
  for (const t of ticks(x0, x1, width / 110)) svg.append(
    make('line', { class: 'gridline', x1: px(t), x2: px(t), y1: top, y2: height - bottom }),
    make('text', { x: px(t), y: height - bottom + 17, 'text-anchor': 'middle' }, format(Number(t.toPrecision(12)))));
  svg.append(
    make('path', { class: 'axis', d: `M${left} ${top}V${height - bottom}H${width - right}` }),
    make('text', { x: (left + width - right) / 2, y: height - 6, 'text-anchor': 'middle' }, xLabel),
    make('text', { transform: `translate(13 ${(top + height - bottom) / 2}) rotate(-90)`, 'text-anchor': 'middle' }, yLabel));

  // A line of no length with round ends is a dot. Several paths, so that crowded places look darker.
  const radius = count > 4000 ? 3.4 : count > 800 ? 4.6 : count > 150 ? 6 : 7.5;
  const opacity = count > 4000 ? 0.4 : count > 800 ? 0.5 : 0.62;
  const spots = x.map((v, i) => [px(v), py(y[i])]);
  const paths = Array.from({ length: CHUNKS }, () => []);
  spots.forEach(([cx, cy], i) => paths[i % CHUNKS].push(`M${cx.toFixed(1)} ${cy.toFixed(1)}h.01`));
  for (const path of paths) svg.append(make('path', { class: 'dots', d: path.join(''), 'stroke-width': radius, 'stroke-opacity': opacity }));
  if (line.length) {
    let d = `M${spots[line[0]].map((v) => v.toFixed(1))}`;
    for (const place of line.slice(1)) d += `H${spots[place][0].toFixed(1)}V${spots[place][1].toFixed(1)}`;
    if (lineEnd) d += `H${px(lineEnd).toFixed(1)}`;
    svg.append(make('path', { class: 'front', d }));
    if (dotsOnLine && errors) svg.append(make('path', { class: 'error',
      d: line.map((place) => `M${spots[place][0].toFixed(1)} ${py(y[place] - errors[place]).toFixed(1)}V${py(y[place] + errors[place]).toFixed(1)}`).join('') }));
    if (dotsOnLine) svg.append(make('path', { class: 'front-dots', 'stroke-width': 8,
      d: line.map((place) => `M${spots[place].map((v) => v.toFixed(1))}h.01`).join('') }));
  }
  const ring = make('circle', { class: 'ring', r: 7, visibility: 'hidden' });
  const chosen = make('circle', { class: 'ring', r: 7 });
  svg.append(chosen, ring);

  const near = (event, reach) => {
    const box = svg.getBoundingClientRect();
    const mx = event.clientX - box.left, my = event.clientY - box.top;
    let best = -1, distance = reach * reach;
    spots.forEach(([cx, cy], i) => {
      const d = (cx - mx) ** 2 + (cy - my) ** 2;
      if (d < distance) { distance = d; best = i; }
    });
    return best;
  };
  const move = (event) => {
    const place = near(event, 26);
    svg.style.cursor = place < 0 ? '' : 'pointer';
    if (place < 0) { hideTip(); ring.setAttribute('visibility', 'hidden'); return; }
    ring.setAttribute('cx', spots[place][0]); ring.setAttribute('cy', spots[place][1]); ring.setAttribute('visibility', 'visible');
    showTip(event, place);
  };
  svg.addEventListener('pointermove', move);
  svg.addEventListener('pointerdown', move);
  svg.addEventListener('pointerleave', () => { hideTip(); ring.setAttribute('visibility', 'hidden'); });
  svg.addEventListener('click', (event) => { const place = near(event, 26); if (place >= 0) select(place); });
  host.replaceChildren(svg);
  host.mark = (place) => { chosen.setAttribute('cx', spots[place][0]); chosen.setAttribute('cy', spots[place][1]); };
  host.mark(state.place);
}

// Places on the Pareto front, from the cheapest to the most expensive: no cheaper candidate scores as much.
function frontOf(cost, score) {
  const order = cost.map((_, i) => i).sort((a, b) => cost[a] - cost[b] || score[b] - score[a] || a - b);
  const front = [];
  for (const place of order) if (!front.length || score[place] > score[front[front.length - 1]]) front.push(place);
  return front;
}

function drawPlots() {
  const score = data.scores[state.metric], cost = data.costs[state.cost];
  const yLabel = `${state.metric} AP (%)`;
  scatter(byId('cost-plot'), { x: cost, y: score, errors: data.errors[state.metric], xLabel: COST_AXIS[state.cost], yLabel, line: frontOf(cost, score), dotsOnLine: true, format: short });
  const order = score.map((_, i) => i + 1), records = [];
  score.forEach((value, i) => { if (!records.length || value > score[records[records.length - 1]]) records.push(i); });
  scatter(byId('order-plot'), { x: order, y: score, xLabel: 'candidates', yLabel, line: records, dotsOnLine: false, lineEnd: count, format: String });
}

function markSelected() {
  for (const id of ['cost-plot', 'order-plot']) byId(id).mark?.(state.place);
  for (const row of document.querySelectorAll('#best tbody tr')) row.setAttribute('aria-selected', Number(row.dataset.place) === state.place);
}
