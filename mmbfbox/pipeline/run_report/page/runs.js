// Tables, tiles and pictures, and starting everything. One run is shown in full, several beside each other.
const runs = data.runs, single = runs.length === 1;
const ORDER = ['easy', 'medium', 'hard'];
const inOrder = (names) => [...new Set(names)].sort((a, b) => (ORDER.indexOf(a) + 1 || 9) - (ORDER.indexOf(b) + 1 || 9));
const curveNames = [...new Set(runs.flatMap((run) => Object.keys(run.curves)))];
const subsets = inOrder(runs.flatMap((run) => Object.keys(run.validation)));
const losses = curveNames.filter((name) => name.startsWith('loss'));
const state = { subset: subsets.at(-1), curve: losses.length ? 'loss' : curveNames[0], scale: 'linear' };

const duration = (seconds) => seconds === null ? '–' : seconds < 90 ? `${seconds.toFixed(0)} s` : seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
const last = (points) => points?.length ? points[points.length - 1][1] : null;

function fillTop() {
  byId('title').textContent = single ? `Training report: ${runs[0].name}` : `${runs.length} trainings beside each other`;
  byId('subtitle').textContent = single ? '' : runs.map((run) => run.name).join(', ');
  document.title = byId('title').textContent;
  byId('tiles').hidden = !single;
  if (!single) return;
  const [run] = runs, tiles = [];
  const main = run.scores.hard !== undefined ? 'hard' : Object.keys(run.scores)[0];
  if (main) tiles.push([run.scores[main].toFixed(2), `${main} AP of the test (%)`]);
  const best = Math.max(...(run.validation[state.subset] ?? []).map(([, y]) => y));
  if (Number.isFinite(best)) tiles.push([best.toFixed(2), `best ${state.subset} AP of a validation (%)`]);
  const loss = last(run.curves.loss);
  if (loss !== null) tiles.push([loss.toPrecision(3), 'loss at the end']);
  tiles.push([number(run.iterations), 'iterations'], [duration(run.seconds), 'for these, without validation']);
  byId('tiles').replaceChildren(...tiles.map(([value, text]) => make('div', { class: 'tile' }, make('b', {}, value), make('span', {}, text))));
}

// Rows of [name, scores]; the best of each column stands out where there are several.
function scoreTable(id, rows, marked) {
  const names = inOrder(rows.flatMap(([, scores]) => Object.keys(scores)));
  byId(`${id}-card`).hidden = !names.length;
  const best = Object.fromEntries(names.map((name) => [name, Math.max(...rows.map(([, scores]) => scores[name] ?? -1))]));
  const cell = (scores, name) => make('td', { class: marked && scores[name] === best[name] ? 'number best' : 'number' }, scores[name]?.toFixed(2) ?? '–');
  byId(id).replaceChildren(
    make('thead', {}, make('tr', {}, make('th'), ...names.map((name) => make('th', { class: 'number' }, name)))),
    make('tbody', {}, ...rows.map(([title, scores]) => make('tr', {}, make('th', {}, title), ...names.map((name) => cell(scores, name))))));
}

function fillTables() {
  const levels = single ? Object.entries(runs[0].levels).map(([name, scores]) => [`only ${name}`, scores]) : [];
  scoreTable('scores', [...runs.map((run) => [single ? 'all levels' : run.name, run.scores]), ...levels], !single);
  byId('scores-note').textContent = single ? 'In %, as tools/test.py has written it into metrics.json.' : 'In %; the best of each column is bold. A few tenths may be chance: other seeds show how much.';
  scoreTable('subnets', single ? runs[0].subnets : [], false);
  const facts = runs.map((run) => Object.fromEntries([['iterations', number(run.iterations)], ['time', duration(run.seconds)], ...run.facts]));
  textTable('facts', facts);
  textTable('differences', runs.map((run) => single ? {} : run.settings));
  byId('differences-card').hidden = single || !Object.keys(runs[0].settings).length;
  byId('config').hidden = !single || !runs[0].config;
  byId('config').querySelector('pre').textContent = runs[0].config;
}

// One row for each name, one column for each run.
function textTable(id, columns) {
  const names = [...new Set(columns.flatMap(Object.keys))];
  byId(id).replaceChildren(
    ...(single ? [] : [make('thead', {}, make('tr', {}, make('th'), ...runs.map((run) => make('th', {}, run.name))))]),
    make('tbody', {}, ...names.map((name) => make('tr', {}, make('th', {}, name), ...columns.map((column) => make('td', {}, column[name] ?? '–'))))));
}

function segments(id, names, key) {
  byId(id).replaceChildren(...names.map((name) => make('button', { type: 'button', 'aria-pressed': state[key] === name,
    onclick: () => { state[key] = name; draw(); } }, name)));
}

function draw() {
  byId('ap-card').hidden = !subsets.length;
  segments('subsets', single ? [] : subsets, 'subset');
  byId('faces').hidden = single;
  const validation = single ? subsets.map((name) => ({ name, points: runs[0].validation[name] }))
    : runs.map((run) => ({ name: run.name, points: run.validation[state.subset] ?? [] }));
  if (subsets.length) lines(byId('ap-plot'), byId('ap-legend'), validation, { yLabel: single ? 'AP (%)' : `${state.subset} AP (%)` });
  byId('curves-card').hidden = !curveNames.length;
  if (!curveNames.length) return;
  // The parts of the loss belong into one plot, where there is one run.
  segments('curves', single && losses.length ? ['loss', ...curveNames.filter((name) => !losses.includes(name))] : curveNames, 'curve');
  segments('scale', ['linear', 'log'], 'scale');
  const names = single && state.curve === 'loss' ? losses : [state.curve];
  const series = single ? names.map((name) => ({ name, points: runs[0].curves[name] }))
    : runs.map((run) => ({ name: run.name, points: run.curves[state.curve] ?? [] }));
  lines(byId('curve-plot'), byId('curve-legend'), series, { yLabel: state.curve, log: state.scale === 'log' });
}

byId('pictures').replaceChildren(...data.pictures.map(({ title, note, source }) =>
  make('section', { class: 'card' }, make('h2', {}, title), make('p', { class: 'muted' }, note), make('img', { src: source, alt: title, loading: 'lazy' }))));
fillTop(); fillTables(); draw();
let waiting = 0;
addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(draw, 120); });
