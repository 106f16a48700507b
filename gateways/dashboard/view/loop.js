// The one animation loop: views that are marked are drawn in the next frame, those that nobody sees are not. Without marks no
// frame is asked for. It also keeps account of what drawing and messages cost.

const KEPT = 240;

export class Loop {
  constructor() {
    this.views = [];
    this.requested = false;
    this.frames = { at: new Float64Array(KEPT), script: new Float64Array(KEPT), count: 0 };
    this.scriptMs = 0; // since start: drawing
    this.messageMs = 0; // and messages
    this.beforeFrame = () => {};
  }

  /** `view`: { element, draw(now), every: least ms between two drawings, 0 or left out: every frame }. Returns what marks it. */
  add(view) {
    view.marked = false;
    view.drawnAt = -Infinity;
    view.shown = true;
    this.views.push(view);
    if (view.element)
      new IntersectionObserver((entries) => {
        view.shown = entries.at(-1).isIntersecting;
        if (view.shown) this.mark(view);
      }).observe(view.element);
    return () => this.mark(view);
  }

  mark(view) {
    view.marked = true;
    this.request();
  }

  markAll() {
    for (const view of this.views) view.marked = true;
    this.request();
  }

  request() {
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now) {
    const began = performance.now();
    this.requested = false;
    this.beforeFrame(now);
    let waiting = false;
    for (const view of this.views) {
      if (!view.marked || !view.shown) continue;
      if (now - view.drawnAt < (view.every ?? 0)) {
        waiting = true;
        continue;
      }
      view.marked = false;
      view.drawnAt = now;
      view.draw(now);
    }
    const script = performance.now() - began, at = this.frames.count++ % KEPT;
    this.frames.at[at] = now;
    this.frames.script[at] = script;
    this.scriptMs += script;
    if (waiting) this.request();
  }

  /** Of the last frames: how many a second, how long drawing took at the median and at worst, how many were longer than 50 ms apart. */
  read(now = performance.now()) {
    const count = Math.min(this.frames.count, KEPT), times = [], scripts = [];
    for (let i = this.frames.count - count; i < this.frames.count; i++) {
      if (now - this.frames.at[i % KEPT] > 3000) continue;
      times.push(this.frames.at[i % KEPT]);
      scripts.push(this.frames.script[i % KEPT]);
    }
    if (times.length < 2) return { framesPerSecond: 0, medianMs: 0, worstMs: 0, long: 0 };
    scripts.sort((a, b) => a - b);
    let long = 0;
    for (let i = 1; i < times.length; i++) if (times[i] - times[i - 1] > 50) long++;
    return {
      framesPerSecond: (1000 * (times.length - 1)) / (times.at(-1) - times[0]), long,
      medianMs: scripts[scripts.length >> 1], worstMs: scripts.at(-1),
    };
  }
}
