import { CoreError } from '../../packages/server/src/util/errors.ts';
import { type Plane, runPlane } from '../../packages/server/src/media/plane.ts';

export interface EchoOptions {
  greeting: string;
  /** Whether the start fails. */
  isBroken?: boolean;
  /** Whether the start comes to no end. */
  hangsAtStart?: boolean;
}

/** A plane that does nothing but talk. */
export interface EchoPlane extends Plane<EchoOptions> {
  greeting(): string;
  echo(bytes: Uint8Array): Uint8Array;
  refuse(): void;
  /** Fails on a turn of its own, as a mistake in the plane would. */
  crash(): void;
  /** Does not answer. */
  hang(): Promise<void>;
  ask(client: string): Promise<string | undefined>;
}

runPlane<EchoOptions, EchoPlane>((host) => {
  let greeting = '';
  return {
    start: (options) => {
      if (options.isBroken) throw new CoreError('invalid', 'the port is taken');
      if (options.hangsAtStart) {
        host.tell('log', 'info', 'Starting', {});
        return new Promise(() => undefined);
      }
      ({ greeting } = options);
      host.tell('log', 'info', 'Server started', { greeting });
      return Promise.resolve();
    },
    configure: (options) => {
      ({ greeting } = options);
    },
    close: () => {
      host.tell('log', 'info', 'Server exited', {});
      return Promise.resolve();
    },
    greeting: () => greeting,
    echo: (bytes) => bytes,
    refuse: () => {
      throw new CoreError('not_found', 'no such path');
    },
    crash: () => {
      setImmediate(() => {
        throw new Error('a mistake');
      });
    },
    hang: () => new Promise(() => undefined),
    ask: (client) =>
      host.call('admit', { id: 'a', reference: '', location: '', peer: '', client, expectedBitrate: 1000 }),
  };
});
