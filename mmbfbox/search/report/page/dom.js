// What the reader has chosen, and archs as text.
const count = data.index.length;
const COST = { backbone_macs: 'backbone MACs', detector_macs: 'detector MACs', params: 'parameters', latency_ms: 'latency (ms)' };
const COST_AXIS = {
  backbone_macs: 'multiply-adds of the backbone at 224x224',
  detector_macs: 'multiply-adds of the detector at the size that was scored',
  params: 'parameters of the detector',
  latency_ms: 'measured latency of one image (ms)',
};
const state = { metric: data.metric, cost: 'backbone_macs', place: 0 };

const points = (value) => (value < 0 ? '−' : '+') + Math.abs(value).toFixed(2);

// '01.2|4c5 3p4' back to stages and merges.
function archOf(place) {
  const [stages, merges] = data.arch[place].split('|');
  return {
    stages: stages.split('.').map((slots) => [...slots].map((digit) => data.choices[DIGIT[digit]])),
    merges: merges.split(' ').filter(Boolean).map((text) => {
      const split = text.search(/[cp]/);
      return { target: Number(text.slice(0, split)), source: text.slice(split) };
    }),
  };
}
const DIGIT = {};
[...'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'].forEach((digit, i) => { DIGIT[digit] = i; });

function archText(place) {
  const arch = archOf(place);
  const lines = arch.stages.map((stage, i) => `c${i + data.firstLevel}: ${stage.join(' ')}`);
  return [...lines, ...arch.merges.map((m) => `p${m.target} = c${m.target} + ${m.source}`)].join('\n');
}

function showTip(event, place) {
  const scores = data.subsets.map((name) => `${name} ${data.scores[name][place].toFixed(2)}`).join('   ');
  const costs = `backbone ${short(data.costs.backbone_macs[place])}, detector ${short(data.costs.detector_macs[place])}` +
    ` multiply-adds, ${short(data.costs.params[place])} parameters` +
    (data.costs.latency_ms ? `, ${short(data.costs.latency_ms[place])} ms` : '');
  placeTip(event, make('b', {}, `candidate ${data.index[place]}`), make('br'), scores, make('br'), costs, make('pre', {}, archText(place)));
}

function placeTip(event, ...content) {
  const tip = byId('tip');
  tip.replaceChildren(...content);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = event.clientX + 16 + width > innerWidth ? event.clientX - width - 16 : event.clientX + 16;
  const top = Math.min(event.clientY + 14, innerHeight - height - 8);
  tip.style.left = `${Math.max(6, left)}px`;
  tip.style.top = `${Math.max(6, top)}px`;
}
function hideTip() { byId('tip').hidden = true; }

function select(place) {
  state.place = place;
  drawArch();
  markSelected();
}
