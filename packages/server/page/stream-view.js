import { Player } from './player.js';
import { bitrate, describe, duration, memory, withoutCredentials } from './words.js';

const POLL_MS = 1000;
/** How many of the newest values a curve shows. */
const CURVE_LENGTH = 60;

const byId = (id) => document.getElementById(id);

/** The player of one process with its state beside it. */
export class StreamView {
  #api;
  #player = new Player(byId('video'));
  #process;
  #timer;
  #received = 0;
  #isPlaying = false;
  #curves = { cpu: [], bitrate: [] };
  #onFailure;

  /** @param onFailure told of errors while polling, and of `undefined` once all is well again. */
  constructor(api, onFailure) {
    this.#api = api;
    this.#onFailure = onFailure;
    this.#player.addEventListener('playing', () => this.#setPlaying(true));
    this.#player.addEventListener('waiting', () => this.#setPlaying(false));
    this.#player.addEventListener('bitrate', ({ detail }) => (this.#received = detail));
    byId('start').addEventListener('click', () => this.#command('start'));
    byId('stop').addEventListener('click', () => this.#command('stop'));
  }

  /** Shows a process: its id and the address of its playlist. */
  show(process) {
    if (process.id === this.#process?.id) return;
    this.close();
    this.#process = process;
    this.#curves = { cpu: [], bitrate: [] };
    byId('title').textContent = process.id;
    this.#poll(process);
  }

  close() {
    clearTimeout(this.#timer);
    this.#process = undefined;
    this.#player.stop();
  }

  async #poll(process) {
    clearTimeout(this.#timer);
    try {
      const state = await this.#api.call('GET', `${address(process)}/state`);
      if (process !== this.#process) return;
      this.#render(state);
      this.#onFailure(undefined);
    } catch (error) {
      if (process !== this.#process) return;
      this.#onFailure(error);
    }
    if (process === this.#process) this.#timer = setTimeout(() => this.#poll(process), POLL_MS);
  }

  async #command(command) {
    const process = this.#process;
    byId('command-error').textContent = '';
    byId('start').disabled = byId('stop').disabled = true;
    try {
      await this.#api.call('PUT', `${address(process)}/command`, { command });
    } catch (error) {
      byId('command-error').textContent = error.message;
    }
    if (process === this.#process) await this.#poll(process);
  }

  #render(state) {
    const { word, tone, veil } = describe(state);
    const isRunning = state.exec === 'running';
    setText('state', word);
    byId('state').dataset.tone = tone;
    setText('logline', withoutCredentials(state.failure?.line ?? state.last_logline) || '–');
    byId('start').disabled = state.order === 'start';
    byId('stop').disabled = state.order !== 'start';

    if (isRunning) this.#player.play(this.#process.playlist);
    else if (state.exec !== 'starting') this.#player.stop();
    setText('veil', isRunning && this.#isPlaying ? '' : veil);

    const kbit = state.progress.bitrate_kbit || (isRunning ? this.#received : 0);
    this.#figures([
      { name: `${word} for`, value: duration(state.runtime_seconds) },
      {
        name: 'Frames per second',
        value: isRunning ? String(Math.round(state.progress.fps * 10) / 10) : '–',
      },
      { name: 'Bitrate', value: bitrate(kbit), curve: extend(this.#curves.bitrate, kbit) },
      { name: 'Speed', value: isRunning ? `${state.progress.speed.toFixed(2)} ×` : '–' },
      {
        name: 'CPU',
        value: isRunning ? `${state.cpu_usage.toFixed(1)} %` : '–',
        curve: extend(this.#curves.cpu, state.cpu_usage),
      },
      { name: 'Memory', value: memory(state.memory_bytes) },
    ]);
  }

  #figures(figures) {
    byId('figures').replaceChildren(
      ...figures.map(({ name, value, curve }) => {
        const figure = document.createElement('div');
        const [term, definition] = [document.createElement('dt'), document.createElement('dd')];
        term.textContent = name;
        definition.textContent = value;
        figure.append(term, definition);
        if (curve) figure.append(drawn(curve));
        return figure;
      }),
    );
  }

  #setPlaying(isPlaying) {
    this.#isPlaying = isPlaying;
    if (isPlaying) setText('veil', '');
  }
}

function address(process) {
  return `/v3/process/${encodeURIComponent(process.id)}`;
}

/** Leaves an unchanged text alone, so that screen readers do not read it again every second. */
function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function extend(curve, value) {
  curve.push(value);
  if (curve.length > CURVE_LENGTH) curve.shift();
  return curve;
}

function drawn(curve) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const top = Math.max(...curve) * 1.15 || 1;
  const points = curve.map(
    (value, index) => `${CURVE_LENGTH - curve.length + index},${20 - (value / top) * 18}`,
  );
  svg.setAttribute('viewBox', `0 0 ${CURVE_LENGTH - 1} 21`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  line.setAttribute('points', points.join(' '));
  line.setAttribute('vector-effect', 'non-scaling-stroke');
  svg.append(line);
  return svg;
}
