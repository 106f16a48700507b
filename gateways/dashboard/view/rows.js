// A long list of rows of one height: only those in sight have elements, which are reused as it scrolls.

export class Rows {
  /** `scroller` holds `body`, which is made as high as all rows together. `make()` gives a row { element, … }; `fill(row, index)` writes it. */
  constructor({ scroller, body, height, make, fill, onScroll }) {
    Object.assign(this, { scroller, body, height, make, fill });
    this.count = 0;
    this.pool = []; // of row elements; pool[i] shows index `pool[i].index`
    this.top = 0;
    this.sight = 0; // height of the scroller
    scroller.addEventListener('scroll', () => {
      this.top = scroller.scrollTop;
      onScroll();
    }, { passive: true });
    new ResizeObserver(([entry]) => {
      this.sight = entry.contentRect.height;
      onScroll();
    }).observe(scroller);
  }

  setCount(count) {
    if (count === this.count) return;
    this.count = count;
    this.body.style.height = `${count * this.height}px`;
  }

  setHeight(height) {
    this.height = height;
    this.body.style.height = `${this.count * height}px`;
    for (const row of this.pool) row.index = -2;
  }

  /** Calls `visit(row, index, moved)` for each row in sight; `moved`: it showed another index before. */
  each(visit) {
    const first = Math.max(0, Math.floor(this.top / this.height) - 1);
    const last = Math.min(this.count, Math.ceil((this.top + this.sight) / this.height) + 1);
    const needed = Math.max(0, last - first);
    while (this.pool.length < needed) this.#grow();
    for (const row of this.pool) {
      const off = row.index >= last || row.index < first;
      if (off && row.index !== -1) this.#put(row, -1);
    }
    const bySlot = this.pool.length;
    for (let index = first; index < last; index++) {
      const row = this.pool[index % bySlot];
      const moved = row.index !== index;
      if (moved) this.#put(row, index);
      visit(row, index, moved);
    }
  }

  #grow() {
    // Slots are given by index modulo their number, so a new number gives all of them anew.
    for (const row of this.pool) row.index = -2;
    const row = this.make();
    row.index = -2;
    this.pool.push(row);
    this.body.append(row.element);
  }

  #put(row, index) {
    row.index = index;
    if (index < 0) {
      row.element.hidden = true;
      return;
    }
    row.element.hidden = false;
    row.element.style.transform = `translateY(${index * this.height}px)`;
  }

  /** Scrolls so that the row is in sight. */
  reveal(index) {
    const from = index * this.height, to = from + this.height;
    if (from < this.scroller.scrollTop) this.scroller.scrollTop = from;
    else if (to > this.scroller.scrollTop + this.sight) this.scroller.scrollTop = to - this.sight;
  }
}
