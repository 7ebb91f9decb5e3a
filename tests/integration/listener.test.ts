import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Listener } from '../../packages/server/src/http/listener.ts';
import { HTTP1_LIMITS } from '../../packages/server/src/http/plain-server.ts';
import { Log } from '../../packages/server/src/log/logger.ts';

const log = new Log(process.stderr, {
  level: 'silent',
  topics: [],
  maxLines: 0,
  format: 'console',
}).component('HTTP');
const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(handle: Handle, address = '127.0.0.1:0'): Promise<Listener> {
  const listener = new Listener(address, { handle }, log);
  await listener.start();
  open.push(listener);
  return listener;
}

/** A client that speaks bytes, so that it can speak badly. */
class RawClient {
  readonly socket: Socket;
  #received = '';

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('latin1').on('data', (text: string) => (this.#received += text));
  }

  send(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** Everything received, once it matches. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) await once(this.socket, 'data');
    return this.#received;
  }

  /** Everything received until the server closed the connection. */
  async untilClosed(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.#received;
  }
}

describe('the listener', () => {
  // Without our setting, Node looks after 30 seconds.
  test('closes a connection soon after the time for a header is over', { timeout: 20_000 }, async () => {
    // As long as the header's is, only shorter.
    const limits = { ...HTTP1_LIMITS, headersTimeout: 100 };
    const server = createServer(limits, (_request, response) => response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push({
      close: async () => {
        server.close();
        await once(server, 'close');
      },
    });
    const client = new RawClient((server.address() as AddressInfo).port).send(
      'GET / HTTP/1.1\r\nHost: a\r\n',
    );
    expect(await client.untilClosed()).toContain('HTTP/1.1 408 ');
  });

  test('asks for an announced body only when the handler does', async () => {
    const listener = await listen((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { connection: 'close' }).end();
        return;
      }
      response.writeContinue();
      void request.toArray().then((chunks: Buffer[]) => response.end(Buffer.concat(chunks)));
    });
    const head = 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n';

    const refused = new RawClient(listener.port).send(`${head}\r\n`);
    expect(await refused.untilClosed()).toMatch(/^HTTP\/1\.1 401 /);

    const accepted = new RawClient(listener.port).send(
      `${head}Authorization: x\r\nConnection: close\r\n\r\n`,
    );
    await accepted.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    expect(await accepted.send('body').untilClosed()).toMatch(/HTTP\/1\.1 200 OK[^]*body/);
  });

  test('answers what is not HTTP in plain text and closes', async () => {
    const listener = await listen((_request, response) => response.end());
    const answer = await new RawClient(listener.port).send('nonsense\r\n\r\n').untilClosed();
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nContent-Type: text\/plain[^]*400 Bad Request$/);
  });

  test('answers a head of more than 64 KiB with 431', async () => {
    const listener = await listen((_request, response) => response.end());
    const client = new RawClient(listener.port).send(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(70_000)}`);
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('another handler takes over on a connection that stays open', async () => {
    const listener = await listen((_request, response) => response.end('old'));
    const client = new RawClient(listener.port).send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until(/old/);
    const change = await listener.prepare('127.0.0.1:0', {
      handle: (_request, response) => response.end('new'),
    });
    change.commit();
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.until(/new/)).toMatch(/old[^]*new/);
    client.socket.destroy();
  });

  test('moves to another address, which is open before the old one closes', async () => {
    const listener = await listen((_request, response) => response.end('here'));
    const before = listener.port;
    const change = await listener.prepare('localhost:0', {
      handle: (_request, response) => response.end('there'),
    });
    change.commit();
    await change.settle?.();
    expect(listener.port).not.toBe(before);
    expect(await (await fetch(`http://localhost:${listener.port}/`)).text()).toBe('there');
    await expect(fetch(`http://127.0.0.1:${before}/`)).rejects.toThrow();
  });

  test('stays where it is when the other address is taken', async () => {
    const taken = await listen((_request, response) => response.end());
    const listener = await listen((_request, response) => response.end('here'));
    await expect(
      listener.prepare(`127.0.0.1:${taken.port}`, { handle: (_request, response) => response.end() }),
    ).rejects.toThrow(`can't listen on 127.0.0.1:${taken.port}`);
    expect(await (await fetch(`http://127.0.0.1:${listener.port}/`)).text()).toBe('here');
  });

  test('gives way to an address that covers its own port, and lets the connections end what they began', async () => {
    const listener = await listen((_request, response) => response.end('everywhere'), ':0');
    const { port } = listener;
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n');
    await once(client.socket, 'connect');

    const change = await listener.prepare(`127.0.0.1:${port}`, {
      handle: (_request, response) => response.end('here'),
    });
    change.commit();
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('here');
    await expect(connected(port, '::1')).rejects.toThrow('ECONNREFUSED');

    const settled = change.settle?.();
    client.send('\r\nbody');
    expect(await client.until(/here/)).toMatch(/^HTTP\/1\.1 200 /);
    await settled;
  });

  test('comes back to its port with its connections when the change is dropped', async () => {
    const listener = await listen((_request, response) => response.end('everywhere'), ':0');
    const { port } = listener;
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until(/everywhere/);

    const change = await listener.prepare(`127.0.0.1:${port}`, {
      handle: (_request, response) => response.end(),
    });
    await change.abort();
    expect(listener.port).toBe(port);
    (await connected(port, '::1')).destroy();
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until(/everywhere[^]*everywhere/);
    client.socket.destroy();
  });

  test('comes back to its port when the other address cannot be had after all', async () => {
    const listener = await listen((_request, response) => response.end('here'), '127.0.0.1:0');
    const { port } = listener;
    // Another server on another address: it stands in the way of all addresses.
    const other = await listen((_request, response) => response.end(), `127.0.0.2:${port}`);
    expect(other.port).toBe(port);
    await expect(
      listener.prepare(`:${port}`, { handle: (_request, response) => response.end('everywhere') }),
    ).rejects.toThrow(`can't listen on :${port}`);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('here');
  });
});

/** A connection, or why there is none. */
async function connected(port: number, host: string): Promise<Socket> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  return socket;
}
