// A table that may be long: only the rows in sight have elements. What stands in the cells is the business of whoever draws it.
import { Mark, TextCell, el } from './dom.js';
import { Rows } from './rows.js';

const NARROW = '(max-width: 760px)';
const ROW_HEIGHT = 24, TOUCHED_HEIGHT = 40; // as in the style sheet

export class Table {
  /**
   * `columns`: [[name, heading], …], `label` for screen readers, `tools(row)`: elements for the last cell. `onScroll()` asks for drawing.
   * With `onPick(item)` rows can be chosen by pointer and arrows, and `onKey(event, item)` gets the other keys.
   */
  constructor(parent, { name, label, columns, tools = () => [], onScroll, onPick, onKey = () => false }) {
    Object.assign(this, { name, columns, tools, onPick, onKey });
    const heads = columns.map(([column, heading]) => el('span', { class: column, role: 'columnheader' }, heading));
    this.body = el('div', { class: 'rows-body', role: 'rowgroup' });
    this.scroller = el('div', { class: 'rows', role: 'grid', 'aria-label': label, tabindex: '0', id: `${name}-rows` }, this.body);
    this.empty = el('p', { class: 'empty', id: `${name}-empty` });
    this.frame = el('div', { class: `table ${name}` }, el('div', { class: 'columns', 'aria-hidden': 'true' }, ...heads, el('span', { class: 'tools' })), this.scroller, this.empty);
    parent.append(this.frame);
    this.items = [];
    this.at = undefined; // the chosen item
    const height = () => (matchMedia(NARROW).matches ? TOUCHED_HEIGHT : ROW_HEIGHT);
    this.rows = new Rows({ scroller: this.scroller, body: this.body, height: height(), make: () => this.#makeRow(), onScroll });
    matchMedia(NARROW).addEventListener('change', () => {
      this.rows.setHeight(height());
      onScroll();
    });
    this.onScroll = onScroll;
    if (onPick) this.scroller.addEventListener('keydown', (event) => this.#key(event));
  }

  #makeRow() {
    const row = { cells: {}, marks: {} };
    const cells = this.columns.map(([column]) => {
      const cell = el('span', { class: column, role: 'gridcell' });
      row.cells[column] = new TextCell(cell);
      row.marks[column] = new Mark(cell, 'data-kind');
      return cell;
    });
    row.tools = el('span', { class: 'tools', role: 'gridcell' });
    row.element = el('div', { class: 'row', role: 'row' }, ...cells, row.tools);
    row.tools.append(...this.tools(row));
    for (const [name, attribute] of [['kind', 'data-kind'], ['side', 'data-side'], ['chosen', 'aria-selected'], ['id', 'id'], ['place', 'aria-rowindex'], ['title', 'title']]) row[name] = new Mark(row.element, attribute);
    if (this.onPick) row.element.addEventListener('click', () => this.#pick(row.item));
    return row;
  }

  #pick(item) {
    this.at = item;
    this.onScroll();
    this.onPick(item);
  }

  #key(event) {
    const at = this.items.indexOf(this.at), last = this.items.length - 1;
    const to = { ArrowDown: Math.min(last, at + 1), ArrowUp: Math.max(0, at < 0 ? 0 : at - 1), Home: 0, End: last }[event.key];
    if (to !== undefined && last >= 0) {
      this.at = this.items[to];
      this.rows.reveal(to);
      this.onScroll();
    } else if (at < 0 || !this.onKey(event, this.at)) {
      return;
    }
    event.preventDefault();
  }

  /** Shows `items`; `fill(row, item)` writes a row; `empty`: words where there are none. */
  draw(items, fill, empty) {
    this.items = items;
    this.rows.setCount(items.length);
    this.scroller.setAttribute('aria-rowcount', `${items.length}`);
    this.empty.hidden = items.length > 0;
    this.empty.textContent = empty;
    let chosen;
    this.rows.each((row, index) => {
      const item = (row.item = items[index]);
      row.place.set(`${index + 1}`);
      row.id.set(`${this.name}-${index}`);
      if (this.onPick) row.chosen.set(`${item === this.at}`);
      if (item === this.at) chosen = `${this.name}-${index}`;
      fill(row, item);
    });
    if (chosen === undefined) this.scroller.removeAttribute('aria-activedescendant');
    else this.scroller.setAttribute('aria-activedescendant', chosen);
  }
}

/** A small button of a row; on a narrow page `glyph` stands for the words. */
export const tool = (words, glyph, label, act) => el('button', { type: 'button', class: 'tool', tabindex: '-1', title: label, 'aria-label': label, onclick: (event) => {
  event.stopPropagation();
  act();
} }, el('span', { class: 'word' }, words), el('span', { class: 'glyph', 'aria-hidden': 'true' }, glyph));
