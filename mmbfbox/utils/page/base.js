// What every page has: its data, elements, numbers, axes, and the switch between light and dark.
const data = JSON.parse(document.getElementById('data').textContent);

const byId = (id) => document.getElementById(id);

function make(tag, options = {}, ...children) {
  const svg = ['svg', 'g', 'path', 'text', 'line', 'rect', 'circle', 'title'].includes(tag);
  const node = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === 'style') node.style.cssText = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function short(number) {
  for (const [factor, unit] of [[1e9, ' G'], [1e6, ' M'], [1e3, ' k']])
    if (Math.abs(number) >= factor) return Number((number / factor).toPrecision(3)) + unit;
  return String(Number(number.toPrecision(3)));
}

const number = (value) => value.toLocaleString('en');

function ticks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough);
  const result = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) result.push(i * step);
  return result;
}

function padded(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  const margin = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - margin, high + margin];
}

byId('theme').onclick = () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === 'dark' ||
    (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
};
