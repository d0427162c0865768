// Tables and tiles, and starting everything.
function fillTop() {
  byId('subtitle').textContent = data.space;
  byId('images').textContent = `Scored on ${data.heldOut}; batch norm recalibrated on ${data.recalibration}. ` +
    `AP is with the supernet's weights: it ranks candidates, and is no forecast of what they reach when trained.`;
  document.title = `Search report: ${count} candidates`;
  const best = data.best[0].place;
  const tiles = [[data.scores[data.metric][best].toFixed(2), `best ${data.metric} AP (%), candidate ${data.index[best]}`],
    [number(count), 'candidates scored on all images' + (data.wanted > count ? `, of ${number(data.wanted)} asked for` : '')]];
  byId('unfinished').hidden = !(data.wanted > count + data.ends.stopped + data.ends.failed);
  const { rejected, stopped, failed } = data.ends;
  if (rejected) {
    const reasons = Object.entries(rejected).map(([reason, n]) => `${COST[reason] ?? reason} ${number(n)}`);
    const all = Object.values(rejected).reduce((sum, n) => sum + n, 0);
    tiles.push([number(all), 'rejected before scoring' + (reasons.length ? `: ${reasons.join(', ')}` : '')]);
  }
  if (stopped) tiles.push([number(stopped), 'pruned']);
  tiles.push([number(failed), 'could not be scored']);
  const sorted = [...data.scores[data.metric]].sort((a, b) => a - b);
  tiles.push([sorted[Math.floor(count / 2)].toFixed(2), `median ${data.metric} AP (%)`]);
  tiles.push([count > 0 && data.seconds > 0 ? (data.seconds / count).toPrecision(2) + ' s' : '–', 'scoring a candidate, mean']);
  byId('tiles').replaceChildren(...tiles.map(([value, text]) => make('div', { class: 'tile' }, make('b', {}, value), make('span', {}, text))));
  byId('trust').hidden = !data.said.length;
  byId('trust-said').replaceChildren(...data.said.map((text) => make('li', { class: text.startsWith('Warning') ? 'notice' : undefined }, text)));
  byId('facts').replaceChildren(...data.facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}

function fillControls() {
  const group = (id, names, key) => byId(id).replaceChildren(...Object.entries(names).map(([value, text]) =>
    make('button', { type: 'button', 'aria-pressed': state[key] === value, onclick: () => { state[key] = value; fillControls(); refresh(); } }, text)));
  group('subsets', Object.fromEntries(data.subsets.map((name) => [name, name])), 'metric');
  group('costs', Object.fromEntries(Object.keys(data.costs).map((name) => [name, COST[name]])), 'cost');
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages opened from a file may not use the clipboard; the old way needs a selection.
    const area = make('textarea', { style: 'position:fixed;opacity:0' }, text);
    document.body.append(area); area.select(); document.execCommand('copy'); area.remove();
  }
  button.textContent = 'copied';
  setTimeout(() => { button.textContent = 'copy'; }, 1400);
}

function fillBest() {
  const costs = Object.keys(data.costs);
  const proxies = Object.entries(data.proxies);
  const head = ['rank', 'candidate', ...data.subsets, ...costs.map((name) => COST[name]), ...proxies.map(([name]) => name)];
  const scored = (name, place) => data.scores[name][place].toFixed(2) + (data.errors[name] ? ` ± ${data.errors[name][place].toFixed(2)}` : '');
  byId('best').replaceChildren(
    make('thead', {}, make('tr', {}, ...head.map((text) => make('th', {}, text)), make('th', { class: 'text' }, 'export'), make('th'))),
    make('tbody', {}, ...data.best.map(({ place, command }, rank) => {
      const button = make('button', { type: 'button', onclick: (event) => { event.stopPropagation(); copy(button, command); } }, 'copy');
      const cell = (text, cls) => make('td', cls ? { class: cls } : {}, text);
      return make('tr', { tabindex: 0, 'data-place': place, onclick: () => choose(place), onkeydown: (event) => { if (event.key === 'Enter' && event.target === event.currentTarget) choose(place); },
        onmousemove: (event) => { if (event.target.tagName === 'TD' && event.target.cellIndex < 2) showTip(event, place); else hideTip(); }, onmouseleave: hideTip },
      cell(rank + 1), cell(data.index[place]), ...data.subsets.map((name) => cell(scored(name, place), name === data.metric ? 'key' : '')),
      ...costs.map((name) => cell(short(data.costs[name][place]))), ...proxies.map(([, values]) => cell(values[place] === null ? '–' : short(values[place]))),
      make('td', { class: 'text' }, make('code', { title: command }, command)), make('td', {}, button));
    })));
  byId('best-note').textContent = `By ${data.metric} AP with the supernet's weights. A click draws the architecture above; the command writes it as a config and weights.`;
}

function choose(place) {
  select(place);
  byId('drawing').closest('section').scrollIntoView({ behavior: 'smooth', block: 'nearest' });
}

// Within two standard errors: may well be chance.
const unclear = (n, mean, error) => n < 3 || Math.abs(mean) < 2 * error;

// One candidate has no standard deviation.
const deviation = (spread) => spread === null ? '–' : spread.toFixed(2);
const effectTitle = (name, [n, mean, spread, error]) => n > 1
  ? `${name}: ${points(mean)} ± ${error.toFixed(2)} (standard error), standard deviation ${spread.toFixed(2)}, ${n} candidates`
  : `${name}: ${points(mean)}, one candidate`;

function fillSlots() {
  const slots = data.effects[state.metric].slots;
  let reach = 0.01;
  for (const slot of slots.flat()) for (const [n, mean, , error] of Object.values(slot)) if (n > 2) reach = Math.max(reach, Math.abs(mean) + error);
  const percent = (value) => 50 + (Math.max(-1, Math.min(1, value / reach)) * 50);
  const row = ([choice, [n, mean, spread, error]]) => {
    const from = Math.min(50, percent(mean)), to = Math.max(50, percent(mean));
    return make('div', { class: `effect${unclear(n, mean, error) ? ' unclear' : ''}`, title: effectTitle(choice, [n, mean, spread, error]) },
      make('span', {}, choice),
      make('span', { class: 'bar' },
        make('i', { style: `left:${from}%;width:${to - from}%;background:color-mix(in srgb, var(--${mean < 0 ? 'bad' : 'good'}) 75%, transparent)` }),
        make('u', { style: `left:${percent(mean - error)}%;width:${percent(mean + error) - percent(mean - error)}%` })),
      make('span', {}, points(mean)), make('span', { class: 'weak' }, deviation(spread)), make('span', { class: 'weak' }, n));
  };
  const head = () => make('div', { class: 'effect head' }, ...['', '', 'mean', 's.d.', 'count'].map((text) => make('span', {}, text)));
  byId('slots').replaceChildren(...slots.flatMap((stage, i) => stage.map((slot, j) => make('div', { class: 'slot' },
    make('h4', {}, `c${i + data.firstLevel}, slot ${j + 1}`), head(), ...Object.entries(slot).map(row)))));
}

function fillEdges() {
  const effects = data.effects[state.metric].edges, sources = [...data.laterals.map((level) => `c${level}`), ...data.targets.map((level) => `p${level}`)];
  const all = Object.values(effects);
  const reach = Math.max(0.01, ...all.filter(([n]) => n > 2).map(([, mean]) => Math.abs(mean)));
  const widest = Math.max(0.01, ...all.map(([, , spread]) => spread));
  const attention = data.attention?.levels;
  const cell = (target, source) => {
    const effect = effects[`${target}${source}`];
    if (!effect) return make('td', { class: 'none' }, Number(source.slice(1)) === target ? '' : '–');
    const [n, mean, spread, error] = effect;
    const strength = Math.round(8 + Math.min(1, Math.abs(mean) / reach) * 42);
    return make('td', { class: unclear(n, mean, error) ? 'unclear' : '', style: `background:color-mix(in srgb, var(--${mean < 0 ? 'bad' : 'good'}) ${strength}%, var(--card))`,
      title: effectTitle(`p${target} = c${target} + ${source}`, effect) },
    make('b', {}, points(mean)), make('small', {}, `${error === null ? '–' : `± ${error.toFixed(2)}`} · ${n}`), make('s', { style: `width:${(100 * spread) / widest}%` }));
  };
  const meter = (target) => {
    const one = attention?.[`p${target}`];
    if (!one) return null;
    return make('td', { class: 'attention' }, make('b', {}, one.mean.toFixed(3)), make('div', { class: 'meter' }, make('i', { style: `width:${100 * Math.min(1, one.mean)}%` })));
  };
  byId('edges').replaceChildren(
    make('thead', {}, make('tr', {}, make('th'), ...sources.map((name) => make('th', {}, name)), attention ? make('th', {}, 'mean attention') : null)),
    make('tbody', {}, ...data.targets.map((target) => make('tr', {}, make('th', {}, `p${target} =`), ...sources.map((source) => cell(target, source)), meter(target)))));
  if (attention) byId('attention-note').textContent = ` Mean attention: how much of the added map the level lets through, over ${data.attention.images} held-out images and the ${data.attention.candidates} best candidates.`;
}

function refresh() { drawPlots(); drawTaus(); drawFinalists(); fillSlots(); fillEdges(); }

state.place = data.best[0].place;
fillTop(); fillControls(); fillBest(); fillVerdict(); fillFinalists(); drawArch(); refresh(); markSelected();
let waiting = 0;
addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(() => { drawPlots(); drawTaus(); drawFinalists(); }, 120); });
