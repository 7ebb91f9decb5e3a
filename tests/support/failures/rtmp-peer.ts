import type { Socket } from 'node:net';

// Just enough RTMP to say no: the simple handshake of RTMP 1.0 §5.2, then one answer to a command that is found by
// its name in the bytes, which is all that a client waits for.

const HANDSHAKE = 1536;

/** Refuses the application in `connect`, as a server does that does not know it. */
export function refuseConnect(socket: Socket): void {
  afterHandshake(socket, (bytes) => {
    if (bytes.includes('connect')) {
      socket.write(
        message('_error', 1, {
          level: 'error',
          code: 'NetConnection.Connect.Rejected',
          description: 'no such app',
        }),
      );
    }
  });
}

/** Accepts the application and refuses the stream key in `publish`. */
export function refusePublish(socket: Socket): void {
  afterHandshake(socket, (bytes) => {
    if (bytes.includes('connect')) {
      socket.write(
        message('_result', 1, { level: 'status', code: 'NetConnection.Connect.Success', description: '' }),
      );
    }
    const stream = bytes.indexOf('createStream');
    if (stream !== -1) {
      const transaction = bytes.readDoubleBE(stream + 'createStream'.length + 1);
      socket.write(chunk(Buffer.concat([string('_result'), number(transaction), NULL, number(1)])));
    }
    if (bytes.includes('publish')) {
      socket.write(
        message('onStatus', 0, {
          level: 'error',
          code: 'NetStream.Publish.BadName',
          description: 'wrong stream key',
        }),
      );
    }
  });
}

function afterHandshake(socket: Socket, take: (bytes: Buffer) => void): void {
  let greeted = 0;
  socket.on('data', (bytes: Buffer) => {
    if (greeted === 0)
      socket.write(
        Buffer.concat([Buffer.from([3]), Buffer.alloc(HANDSHAKE), bytes.subarray(1, 1 + HANDSHAKE)]),
      );
    const rest = bytes.subarray(Math.max(0, 1 + 2 * HANDSHAKE - greeted));
    greeted += bytes.length;
    if (rest.length > 0) take(rest);
  });
}

function message(name: string, transaction: number, info: Record<string, string>): Buffer {
  const members = Object.entries(info).map(([key, value]) =>
    Buffer.concat([string(key).subarray(1), string(value)]),
  );
  const object = Buffer.concat([Buffer.from([3]), ...members, Buffer.from([0, 0, 9])]);
  return chunk(Buffer.concat([string(name), number(transaction), NULL, object]));
}

/** One message of type 20 in one chunk, which has to be at most 128 bytes long. RTMP 1.0 §5.3.1. */
function chunk(payload: Buffer): Buffer {
  const header = Buffer.from([3, 0, 0, 0, 0, 0, payload.length, 20, 0, 0, 0, 0]);
  return Buffer.concat([header, payload]);
}

const NULL = Buffer.from([5]);

function number(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function string(text: string): Buffer {
  return Buffer.concat([Buffer.from([2, 0, text.length]), Buffer.from(text)]);
}
