// What a pool of trained networks of the same space says of scores: a dot with its interval each, and regrets.
const shortName = (name) => name.replace('supernet of ', '');

function drawTaus() {
  if (!data.verdict) return;
  const rows = Object.entries(data.verdict.taus).sort(([, a], [, b]) => b[0] - a[0]);
  const host = byId('taus'), width = Math.max(300, host.clientWidth), step = 22;
  const [left, right, top] = [Math.min(260, Math.max(210, width * 0.45)), 12, 6], height = top + rows.length * step + 44;
  const [low, high] = padded([0, data.verdict.ceiling, ...rows.flatMap(([, values]) => values)]);
  const px = (v) => left + ((v - low) / (high - low)) * (width - left - right), end = height - 40;
  const svg = make('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': "Kendall's tau of each score" });
  for (const t of ticks(low, high, (width - left) / 60)) svg.append(
    make('line', { class: 'gridline', x1: px(t), x2: px(t), y1: top, y2: end }),
    make('text', { x: px(t), y: end + 17, 'text-anchor': 'middle' }, String(Number(t.toPrecision(3)))));
  svg.append(
    make('line', { class: 'zero', x1: px(0), x2: px(0), y1: top, y2: end }),
    make('line', { class: 'ceiling', x1: px(data.verdict.ceiling), x2: px(data.verdict.ceiling), y1: top, y2: end }),
    make('text', { x: (left + width - right) / 2, y: height - 6, 'text-anchor': 'middle' }, "Kendall's tau"));
  rows.forEach(([name, [value, from, to]], i) => {
    const y = top + (i + 0.5) * step, told = `${name}: ${points(value)} (${points(from)} to ${points(to)})`;
    svg.append(make('text', { x: left - 8, y: y + 4, 'text-anchor': 'end' }, shortName(name), make('title', {}, told)),
      make('path', { class: 'whisker', d: `M${px(from)} ${y}H${px(to)}` }),
      make('circle', { class: 'tau', cx: px(value), cy: y, r: 4 }, make('title', {}, told)));
  });
  host.replaceChildren(svg);
}

function fillVerdict() {
  if (!data.verdict) return;
  const ways = Object.entries(data.verdict.regrets);
  const costs = [...new Set(ways.flatMap(([, of]) => Object.keys(of)))].map(Number).sort((a, b) => a - b);
  const least = Object.fromEntries(costs.map((cost) => [cost, Math.min(...ways.map(([, of]) => of[cost] ?? Infinity))]));
  byId('verdict').hidden = false;
  byId('regrets').replaceChildren(
    make('thead', {}, make('tr', {}, make('th', { class: 'text' }, 'the best by'), ...costs.map((cost) => make('th', {}, cost)))),
    make('tbody', {}, ...ways.map(([name, of]) => make('tr', {}, make('td', { class: 'text', title: name }, shortName(name)),
      ...costs.map((cost) => make('td', { class: of[cost] === least[cost] ? 'key' : undefined }, of[cost]?.toFixed(1) ?? ''))))));
  byId('verdict-said').replaceChildren(...data.verdict.said.map((text) => make('li', {}, text)));
}
