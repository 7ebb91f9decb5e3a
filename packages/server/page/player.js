import Hls from './hls.js';

const RETRY_MS = 1500;

/**
 * Plays a live HLS stream in a video element. Dispatches `playing`, and `waiting` while there is nothing to play:
 * it goes on trying until it is stopped. `bitrate` tells the kbit/s of the segment that just came.
 */
export class Player extends EventTarget {
  #video;
  #hls;
  #url;
  #timer;

  constructor(video) {
    super();
    this.#video = video;
    video.addEventListener('playing', () => this.#tell('playing'));
    video.addEventListener('waiting', () => this.#tell('waiting'));
    // Without Media Source Extensions (Safari on iOS) the browser plays HLS itself.
    video.addEventListener('error', () => !this.#hls && this.#url && this.#retry());
  }

  play(url) {
    if (url === this.#url) return;
    this.stop();
    this.#url = url;
    this.#load();
  }

  stop() {
    if (this.#url === undefined) return;
    this.#url = undefined;
    this.#unload();
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  #load() {
    this.#tell('waiting');
    if (!Hls.isSupported()) {
      this.#video.src = this.#url;
      this.#start();
      return;
    }
    const hls = new Hls({ liveDurationInfinity: true, backBufferLength: 30 });
    this.#hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#start());
    hls.on(Hls.Events.FRAG_LOADED, (_name, { frag }) => {
      if (frag.type === 'main' && frag.duration > 0)
        this.#tell('bitrate', (frag.stats.total * 8) / 1000 / frag.duration);
    });
    hls.on(Hls.Events.ERROR, (_name, { fatal, type }) => {
      if (!fatal) return;
      if (type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
      else this.#retry();
    });
    hls.loadSource(this.#url);
    hls.attachMedia(this.#video);
  }

  #retry() {
    this.#unload();
    this.#tell('waiting');
    this.#timer = setTimeout(() => this.#load(), RETRY_MS);
  }

  #unload() {
    clearTimeout(this.#timer);
    this.#hls?.destroy();
    this.#hls = undefined;
  }

  #start() {
    // Refused only where the browser wants a click first; the element's own controls are there for it.
    this.#video.play().catch(() => undefined);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
