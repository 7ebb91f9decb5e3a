import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CuttingProxy extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly base: string;
  /** How many connections it has cut. */
  readonly cuts: number;
}

/**
 * A bad line to a server: it cuts each connection a while after it was made, wherever it is.
 *
 * @param lifetime after how many milliseconds, at least and at most.
 */
export async function startCuttingProxy(target: string, lifetime: [number, number]): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const end = () => {
      clearTimeout(timer);
      for (const socket of [client, upstream]) {
        open.delete(socket);
        socket.destroy();
      }
    };
    const [least, most] = lifetime;
    const timer = setTimeout(
      () => {
        cuts++;
        end();
      },
      least + Math.random() * (most - least),
    );
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
