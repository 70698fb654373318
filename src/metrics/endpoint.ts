import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FatalError } from '../errors.ts';
import type { Running } from '../run.ts';
import { Metrics } from './registry.ts';

export interface EndpointOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Names of what runs in this process: it is ready when all of them are restored and run. */
  readonly topologies: readonly string[];
}

/** What the runs of a process show over HTTP: `/metrics`, `/healthz`, `/readyz`. */
export class Endpoint {
  readonly url: string;
  readonly #server: Server;
  readonly #topologies: readonly string[];
  readonly #running = new Map<string, Running>();
  readonly #metrics = new Metrics(() => [...this.#running.values()]);

  private constructor(server: Server, { host, topologies }: EndpointOptions) {
    const { port } = server.address() as AddressInfo;
    this.url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#server = server;
    this.#topologies = topologies;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  /** @throws FatalError `TOPO_PORT_UNUSABLE` */
  static async open(options: EndpointOptions): Promise<Endpoint> {
    const server = createServer();
    try {
      server.listen(options.port, options.host);
      await once(server, 'listening');
    } catch (error) {
      throw portUnusable(options, error);
    }
    return new Endpoint(server, options);
  }

  /** It has restored its state and runs: its metrics are shown until it ends. */
  started(running: Running): void {
    const { name } = running.topology;
    this.#running.set(name, running);
    const ended = () => void this.#running.delete(name);
    running.done.then(ended, ended);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return answer(response, 405, 'only GET and HEAD');
    }
    switch (url.replace(/\?.*/, '')) {
      case '/metrics':
        return this.#answerMetrics(response);
      case '/healthz':
        return answer(response, 200, 'ok');
      case '/readyz':
        return this.#answerReady(response);
      default:
        return answer(response, 404, 'there are /metrics, /healthz and /readyz');
    }
  }

  async #answerMetrics(response: ServerResponse): Promise<void> {
    let text: string;
    try {
      text = await this.#metrics.text();
    } catch {
      // a run that closes right now has no sizes any more
      return answer(response, 503, 'the run is closing');
    }
    response.setHeader('Content-Type', this.#metrics.contentType).end(text);
  }

  #answerReady(response: ServerResponse): void {
    const missing = this.#topologies.filter(name => !this.#running.has(name));
    if (missing.length === 0) answer(response, 200, 'ready');
    else answer(response, 503, `not ready: ${missing.join(', ')}`);
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another process listens there: name another port with --port.',
  EACCES: 'Ports below 1024 are for the superuser: name a higher one with --port.',
  EADDRNOTAVAIL: 'This machine has no such address: name one of its own with --host.',
  ENOTFOUND: 'Nobody knows that name: name an address of this machine with --host.',
};

function portUnusable({ host, port }: EndpointOptions, cause: unknown): FatalError {
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  const advice = ADVICE[code] ?? 'Name another one with --port or --host.';
  return new FatalError(
    'TOPO_PORT_UNUSABLE',
    `port ${port} on ${host} cannot be served (${code}). ${advice}`,
    {},
    { cause },
  );
}
