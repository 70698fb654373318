import { styleText } from 'node:util';

/** Colours for a terminal; elsewhere, and with `NO_COLOR`, the text as it is. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  cyan(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
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
