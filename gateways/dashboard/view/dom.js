// Elements out of values. Text is always a text node: names from outside can't become markup.

/** `attributes`: name -> text, true (there) or false, undefined (not there); `on…` a handler. Children: nodes or text. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/** An element around one text that is written often: `set` touches the page only where the text is another one. */
export class TextCell {
  constructor(element, text = '') {
    this.element = element;
    this.node = document.createTextNode(text);
    this.text = text;
    element.append(this.node);
  }

  set(text) {
    if (text === this.text) return;
    this.text = text;
    this.node.data = text;
  }
}

/** A number whose place never gets narrower while it is about the same thing: what stands beside it does not move with every digit. */
export class NumberCell extends TextCell {
  constructor(element) {
    super(element);
    this.longest = 0;
  }

  set(text) {
    super.set(text);
    if (text.length <= this.longest) return;
    this.longest = text.length;
    this.element.style.minWidth = `${text.length}ch`;
  }

  /** It is about something else from now on. */
  forget() {
    this.longest = 0;
    this.element.style.minWidth = '';
  }
}

/** An attribute or class name that is written often, likewise. */
export class Mark {
  constructor(element, name) {
    this.element = element;
    this.name = name;
    this.value = undefined;
  }

  set(value) {
    if (value === this.value) return;
    this.value = value;
    if (value === undefined || value === '') this.element.removeAttribute(this.name);
    else this.element.setAttribute(this.name, value);
  }
}

/** Seen at all: not hidden by a narrow page's tabs, with some size. */
export const isShown = (element) => element.offsetParent !== null || element.getClientRects().length > 0;

/** A canvas whose pixels follow its size on the page; `resized` is called when they changed. Sizes come from an observer, so drawing never asks the layout. */
export function fitCanvas(canvas, resized) {
  const size = { width: 0, height: 0, ratio: 1 };
  new ResizeObserver(([entry]) => {
    const { width, height } = entry.contentRect;
    size.ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    size.width = width;
    size.height = height;
    canvas.width = Math.max(1, Math.round(width * size.ratio));
    canvas.height = Math.max(1, Math.round(height * size.ratio));
    resized();
  }).observe(canvas);
  return size;
}
