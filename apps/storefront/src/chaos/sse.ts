/** Reads server-sent events out of text as it arrives (WHATWG HTML, 9.2 "Server-sent events"). Pure. */

export type ServerEvent = {
  /** The last id that was told; empty before the first. */
  id: string;
  name: string;
  data: string;
};

export type EventReader = {
  /** Takes the next piece of text, cut anywhere, and answers with the events that are complete now. */
  feed(text: string): ServerEvent[];
};

/** The longest unfinished event that is kept, in characters: beyond it the other side does not speak this protocol. */
const longestEvent = 8_000_000;

/** A reader for one connection. `feed` throws `RangeError` on an event without end. */
export function createEventReader(lastId = ''): EventReader {
  let rest = '';
  let kept = 0;
  let id = lastId;
  let name = '';
  let data: string[] = [];

  const endOfEvent = (): ServerEvent | null => {
    const event = data.length === 0 ? null : { id, name: name === '' ? 'message' : name, data: data.join('\n') };
    name = '';
    data = [];
    kept = 0;
    return event;
  };

  const field = (line: string): void => {
    const colon = line.indexOf(':');
    // A line that begins with a colon is a comment: a sign of life, nothing else.
    if (colon === 0) return;
    const key = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (key === 'data') data.push(value);
    else if (key === 'event') name = value;
    else if (key === 'id' && !value.includes('\0')) id = value;
  };

  return {
    feed(text) {
      rest += text;
      const events: ServerEvent[] = [];
      // A carriage return at the very end may be the first half of a line's end.
      const lineEnd = /\r\n|\n|\r(?!$)/g;
      let start = 0;
      for (let found = lineEnd.exec(rest); found !== null; found = lineEnd.exec(rest)) {
        const line = rest.slice(start, found.index);
        start = found.index + found[0].length;
        kept += line.length;
        if (line !== '') field(line);
        else {
          const event = endOfEvent();
          if (event !== null) events.push(event);
        }
      }
      rest = rest.slice(start);
      if (rest.length + kept > longestEvent) throw new RangeError('an event without end');
      return events;
    },
  };
}
