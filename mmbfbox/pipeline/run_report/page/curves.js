// Line plots of several series over the iterations.
const color = (index) => `var(--c${index % 8})`;

function tickLabel(value) {
  const rounded = Number(value.toPrecision(6));
  return Math.abs(rounded) >= 1e4 || rounded === 0 ? short(rounded) : String(rounded);
}

// Powers of ten, and between them 2 and 5 where there are few.
function logTicks(low, high) {
  const result = [], wide = Math.log10(high / low) > 2.5;
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
    for (const factor of wide ? [1] : [1, 2, 5]) {
      const value = factor * 10 ** power;
      if (value >= low && value <= high) result.push(value);
    }
  return result;
}

// Draws into host; a series has a name and points [iteration, value]; the legend names those that have any.
function lines(host, legend, series, { yLabel, log }) {
  const shown = series.map((one, index) => ({ ...one, color: color(index), points: log ? one.points.filter(([, y]) => y > 0) : one.points }))
    .filter((one) => one.points.length);
  legend.replaceChildren(...(shown.length > 1 ? shown : []).map((one) => make('span', {}, make('i', { style: `background:${one.color}` }), one.name)));
  if (!shown.length) { host.replaceChildren(make('p', { class: 'muted' }, 'nothing was logged')); return; }
  const width = Math.max(280, host.clientWidth), height = Math.round(Math.min(400, Math.max(240, width * 0.38)));
  const [left, right, top, bottom] = [58, 16, 12, 44];
  const all = shown.flatMap((one) => one.points);
  const forward = log ? Math.log10 : (v) => v;
  const [x0, x1] = [0, Math.max(1, ...all.map(([x]) => x))];
  const [y0, y1] = padded(all.map(([, y]) => forward(y)));
  const px = (x) => left + ((x - x0) / (x1 - x0)) * (width - left - right);
  const py = (y) => height - bottom - ((forward(y) - y0) / (y1 - y0)) * (height - top - bottom);
  const svg = make('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${yLabel} over the iterations` });
  for (const t of log ? logTicks(10 ** y0, 10 ** y1) : ticks(y0, y1, height / 60)) svg.append(
    make('line', { class: 'gridline', x1: left, x2: width - right, y1: py(t), y2: py(t) }),
    make('text', { x: left - 8, y: py(t) + 4, 'text-anchor': 'end' }, tickLabel(t)));
  for (const t of ticks(x0, x1, width / 110)) svg.append(
    make('text', { x: px(t), y: height - bottom + 17, 'text-anchor': 'middle' }, short(t)));
  svg.append(
    make('path', { class: 'axis', d: `M${left} ${top}V${height - bottom}H${width - right}` }),
    make('text', { x: (left + width - right) / 2, y: height - 6, 'text-anchor': 'middle' }, 'iterations'),
    make('text', { transform: `translate(13 ${(top + height - bottom) / 2}) rotate(-90)`, 'text-anchor': 'middle' }, yLabel));
  for (const one of shown) {
    const places = one.points.map(([x, y]) => `${px(x).toFixed(1)} ${py(y).toFixed(1)}`);
    svg.append(make('path', { class: 'curve', d: `M${places.join('L')}`, style: `stroke:${one.color}` }));
    if (places.length <= 30) svg.append(make('path', { class: 'curve-dots', d: places.map((place) => `M${place}h.01`).join(''), style: `stroke:${one.color}` }));
  }
  const cursor = make('line', { class: 'cursor', y1: top, y2: height - bottom, visibility: 'hidden' });
  svg.append(cursor);
  svg.addEventListener('pointermove', (event) => {
    const x = x0 + ((event.clientX - svg.getBoundingClientRect().left - left) / (width - left - right)) * (x1 - x0);
    const nearest = (points) => points.reduce((best, point) => Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best);
    const rows = shown.map((one) => [one, nearest(one.points)]);
    const at = nearest(rows.map(([, point]) => point))[0];
    cursor.setAttribute('x1', px(at)); cursor.setAttribute('x2', px(at)); cursor.setAttribute('visibility', 'visible');
    showTip(event, make('b', {}, `iteration ${number(at)}`), ...rows.map(([one, [, y]]) =>
      make('div', {}, make('i', { style: `background:${one.color}` }), `${one.name} ${Number(y.toPrecision(4))}`)));
  });
  svg.addEventListener('pointerleave', () => { byId('tip').hidden = true; cursor.setAttribute('visibility', 'hidden'); });
  host.replaceChildren(svg);
}

function showTip(event, ...content) {
  const tip = byId('tip');
  tip.replaceChildren(...content);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = event.clientX + 16 + width > innerWidth ? event.clientX - width - 16 : event.clientX + 16;
  tip.style.left = `${Math.max(6, left)}px`;
  tip.style.top = `${Math.max(6, Math.min(event.clientY + 14, innerHeight - height - 8))}px`;
}
