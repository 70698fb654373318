import { styleText } from 'node:util';

/** Colours for a terminal; elsewhere, and with `NO_COLOR`, the text as it is. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
}

export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  const coloured = stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
  const as = (format: 'bold' | 'dim' | 'cyan' | 'green' | 'red' | 'yellow') => (text: string) =>
    coloured && text !== '' ? styleText(format, text) : text;
  return {
    bold: as('bold'),
    dim: as('dim'),
    cyan: as('cyan'),
    green: as('green'),
    red: as('red'),
    yellow: as('yellow'),
  };
}
