// All instruments of the exchanges that are heard of, to be searched by symbol and name.

export class Directory {
  constructor() {
    this.byKey = new Map(); // "XNAS.AAPL" -> { key, mic, symbol, name, … } as /v1/instruments says
  }

  take(mic, instruments) {
    for (const one of instruments) this.byKey.set(`${mic}.${one.symbol}`, { ...one, mic, key: `${mic}.${one.symbol}` });
  }

  /**
   * The best `most` finds: a symbol that is the text, one that begins with it, a name with a word that begins with it, a symbol
   * or name that has it anywhere; each group in the directory's order.
   */
  search(text, most = 50) {
    const wanted = text.trim().toUpperCase(), groups = [[], [], [], []];
    if (wanted === '') return [...this.byKey.values()].slice(0, most);
    for (const one of this.byKey.values()) {
      const rank = rankOf(one, wanted);
      if (rank !== undefined && groups[rank].length < most) groups[rank].push(one);
    }
    return groups.flat().slice(0, most);
  }
}

function rankOf({ symbol, name = '' }, wanted) {
  const upper = symbol.toUpperCase(), words = name.toUpperCase();
  if (upper === wanted) return 0;
  if (upper.startsWith(wanted)) return 1;
  if (words.startsWith(wanted) || words.includes(` ${wanted}`)) return 2;
  return upper.includes(wanted) || words.includes(wanted) ? 3 : undefined;
}
