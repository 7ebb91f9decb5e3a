import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { AmfInput } from './amf0.ts';
import type { Encoded } from './batch.ts';
import { type Command, parseCommand, serializeCommand } from './commands.ts';
import { STREAM_ID, encodeRtmp } from './encode.ts';
import { ProtocolError } from './errors.ts';
import { splitAggregate } from './flv.ts';
import { type Client, greeting, parseClient } from './greeting.ts';
import { acceptHandshake } from './handshake.ts';
import type { Limits } from './limits.ts';
import { type Message, MessageType, UserControl, userControl } from './message.ts';
import { RateGuard } from './rate-guard.ts';
import type { Relay } from './relay.ts';
import { commandMessage, connectionStatus, streamEvent, streamStatus } from './status.ts';
import { type StreamName, parseStreamAddress } from './stream-address.ts';
import {
  type Refusal,
  type StreamHandler,
  type StreamRequest,
  refusalCode,
  refuse,
} from './stream-handler.ts';
import type { Sink, Subscription } from './subscription.ts';
import type { Swept } from './sweep.ts';
import { type CloseReason, Transport } from './transport.ts';

/** What a connection is at. */
export type ConnectionState =
  'handshake' | 'connected' | 'deciding' | 'publishing' | 'playing' | 'closing' | 'closed';

interface ConnectionEvents {
  /** Publishing or playing was granted. */
  granted: [request: StreamRequest, relay: Relay];
  /** What the client asked for cannot be an address, so it was refused without asking. */
  malformed: [what: 'publish' | 'play'];
  closed: [CloseReason];
}

/** The server's side of one connection. Made by a server, for a socket that it accepted. */
export class ServerConnection extends EventEmitter<ConnectionEvents> implements Sink, Swept {
  readonly encoder = encodeRtmp;
  /** As given when it was accepted: `ip:port`, or what else is known of the peer. */
  readonly remoteAddress: string;
  readonly #handler: StreamHandler;
  readonly #limits: Limits;
  readonly #transport: Transport;
  readonly #rate: RateGuard;
  readonly #acceptedAt = performance.now();
  #setupAt = this.#acceptedAt;
  #state: ConnectionState = 'handshake';
  /** Bytes that had been received when the setup began. */
  #setupFrom = 0;
  #client: Client | undefined;
  #commands = 0;
  /** Messages that came while the handler was deciding. */
  #held: Message[] = [];
  #relay: Relay | undefined;
  #subscription: Subscription | undefined;
  #request: StreamRequest | undefined;
  #lastCount = 0;
  #lastMessageAt = 0;
  #closingAt = 0;
  #pingedAt = 0;
  #pings = 0;

  constructor(stream: Duplex, remoteAddress: string, handler: StreamHandler, limits: Limits) {
    super();
    this.remoteAddress = remoteAddress;
    this.#handler = handler;
    this.#limits = limits;
    this.#transport = new Transport(stream, acceptHandshake, limits, {
      opened: () => {
        this.#state = 'connected';
      },
      received: (message) => {
        this.#receive(message);
      },
      drained: () => {
        this.#drained();
      },
      closed: (reason) => {
        this.#closed(reason);
      },
    });
    this.#rate = new RateGuard(limits.messagesPerSecond, this.#transport);
    this.#transport.start();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Whether it is neither publishing nor playing yet, and so has no right to much. */
  get isPending(): boolean {
    return this.#state === 'handshake' || this.#state === 'connected' || this.#state === 'deciding';
  }

  /** What is published or played, or was asked for last. */
  get request(): StreamRequest | undefined {
    return this.#request;
  }

  /** What the client says it is: `FMLE/3.0 (compatible; …)`. From outside: escape it before you print it. */
  get flashVersion(): string | undefined {
    return this.#client?.flashVersion;
  }

  get bytesReceived(): number {
    return this.#transport.bytesReceived;
  }

  /** Bytes that were given to the network. */
  get bytesSent(): number {
    return this.#transport.bytesSent;
  }

  /** The player's way through the stream, if this is a player. */
  get subscription(): Subscription | undefined {
    return this.#subscription;
  }

  get backlog(): number {
    return this.#transport.backlog;
  }

  send({ pieces, bytes }: Encoded): void {
    this.#transport.sendChunks(pieces, bytes);
  }

  relayClosed(): void {
    this.#subscription = undefined;
    this.#transport.send(
      streamStatus('status', 'NetStream.Play.UnpublishNotify', 'The publisher is gone'),
      streamEvent('streamEof', STREAM_ID),
    );
    this.#end({ code: 'unpublished', message: 'the publisher is gone' });
  }

  /** Ends the connection: what waits is sent, and the peer is told that it is not its fault. */
  close(message: string, code: 'closed' | 'shutdown' = 'closed'): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    if (code === 'shutdown' && this.#client) {
      this.#transport.send(
        this.#client.canReconnect
          ? connectionStatus('status', 'NetConnection.Connect.ReconnectRequest', 'The server restarts')
          : connectionStatus('error', 'NetConnection.Connect.AppShutdown', 'The server is shutting down'),
      );
    }
    this.#end({ code, message });
  }

  /** Ends the connection at once. */
  destroy(message: string): void {
    this.#transport.destroy({ code: 'closed', message });
  }

  check(now: number): void {
    const { handshakeMs, setupMs, idleMs, writeStallMs, lingerMs } = this.#limits;
    const timeout = (message: string) => {
      this.#transport.destroy({ code: 'timeout', message });
    };
    this.#rate.check(now);
    if (this.#transport.messagesReceived !== this.#lastCount) {
      this.#lastCount = this.#transport.messagesReceived;
      this.#lastMessageAt = now;
    }
    const isStalled = this.#transport.stalledFor(now) >= writeStallMs;
    if (this.#state === 'closing') {
      // A player that still takes what was sent may do so.
      if (this.backlog > 0 ? isStalled : now - this.#closingAt >= lingerMs) timeout('the peer did not close');
      // Some publishers never look at what they are sent. Whether they are there shows in what they send.
    } else if (isStalled && this.#state !== 'publishing') timeout('i/o timeout');
    else if (this.#state === 'handshake' && now - this.#acceptedAt >= handshakeMs) timeout('no handshake');
    else if (this.isPending && now - this.#setupAt >= setupMs) timeout('nothing published or played');
    else if (this.#state === 'publishing' && now - this.#lastMessageAt >= idleMs) timeout('i/o timeout');
    else if (this.#state === 'playing') this.#ping(now);
  }

  /** Notices a player that is gone, if it is one that answers pings. */
  #ping(now: number): void {
    if (now - this.#pingedAt < this.#limits.pingMs) return;
    this.#pingedAt = now;
    if (this.#transport.pongs > 0 && this.#pings - this.#transport.pongs >= this.#limits.missedPings) {
      this.#transport.destroy({ code: 'timeout', message: 'pings are not answered' });
      return;
    }
    this.#pings++;
    const body = userControl(UserControl.pingRequest, now);
    this.#transport.send({ type: MessageType.userControl, body });
  }

  #receive(message: Message): void {
    if (this.#state === 'deciding') {
      this.#held.push(message);
      return;
    }
    this.#checkSetup();
    switch (message.type) {
      case MessageType.command:
      case MessageType.commandAmf3:
        this.#receiveCommand(message);
        break;
      case MessageType.audio:
      case MessageType.video:
      case MessageType.data:
      case MessageType.dataAmf3:
        this.#receiveMedia(message);
        break;
      case MessageType.aggregate:
        // One by one: who sends too much may as well put it together.
        for (const part of splitAggregate(message)) this.#receiveMedia(part);
        break;
    }
  }

  #receiveMedia(message: Message): void {
    if (this.#state !== 'publishing') return;
    this.#rate.count(message.body.length);
    this.#relay?.push(message);
  }

  #drained(): void {
    if (this.#state === 'publishing') this.#relay?.flush();
    this.#checkSetup();
  }

  #checkSetup(): void {
    if (this.#state !== 'connected') return;
    if (this.#transport.bytesReceived - this.#setupFrom > this.#limits.setupBytes) {
      throw new ProtocolError('too much sent before publishing or playing');
    }
  }

  #receiveCommand(message: Message): void {
    if (this.isPending && ++this.#commands > this.#limits.setupCommands)
      throw new ProtocolError('too many commands');
    const command = this.#parse(message);
    if (!command) return;
    if (command.name === 'connect') this.#connect(command);
    else if (this.#client) this.#receiveStreamCommand(command, this.#client);
    else throw new ProtocolError('a command before connect');
  }

  /** A command that cannot be read is an error before anything was granted, and not worth the stream after. */
  #parse(message: Message): Command | undefined {
    try {
      return parseCommand(message);
    } catch (error) {
      if (error instanceof ProtocolError && !this.isPending) return undefined;
      throw error;
    }
  }

  #receiveStreamCommand(command: Command, client: Client): void {
    const { name, transaction } = command;
    switch (name) {
      case 'createStream':
        // compat: also without a number of its own. Who asks for a stream waits for it.
        this.#transport.send(commandMessage(serializeCommand('_result', transaction, null, STREAM_ID)));
        break;
      case 'publish':
      case 'play':
        this.#ask(name, command, client);
        break;
      case 'releaseStream':
      case '_checkbw':
        this.#answer(transaction, null);
        break;
      case 'getStreamLength':
        this.#answer(transaction, null, 0);
        break;
      case 'FCPublish':
        // Some hardware encoders wait for it before they publish.
        this.#answer(transaction, null);
        this.#call('onFCPublish', { code: 'NetStream.Publish.Start', description: textAt(command, 0) ?? '' });
        break;
      case 'FCSubscribe':
        this.#call('onFCSubscribe', { code: 'NetStream.Play.Start', description: textAt(command, 0) ?? '' });
        break;
      case 'FCUnpublish':
        this.#call('onFCUnpublish', {
          code: 'NetStream.Unpublish.Success',
          description: textAt(command, 0) ?? '',
        });
        this.#stop();
        break;
      case 'deleteStream':
      case 'closeStream':
        this.#stop();
        break;
      case 'pause':
        this.#pause(command);
        break;
      // Anything else is ignored: an error would confuse encoders.
    }
  }

  #connect({ transaction, object }: Command): void {
    if (this.#client) return;
    this.#client = parseClient(object);
    this.#transport.send(...greeting(transaction, object));
  }

  #ask(what: 'publish' | 'play', command: Command, client: Client): void {
    // compat: a stream is not given up for another word of its publisher.
    if (this.#state === 'publishing') return;
    // RTMP 1.0 §7.2.2.1: who plays changes to another stream by asking for it.
    this.#stop();
    const name: StreamName = {
      app: client.app,
      name: textAt(command, 0) ?? '',
      ...(client.tcUrl === undefined ? {} : { tcUrl: client.tcUrl }),
    };
    const address = parseStreamAddress(name);
    if (!address) {
      this.emit('malformed', what);
      this.#refuse(what, refuse('denied', 'Malformed stream name'), command.transaction);
      return;
    }
    const request = { ...name, ...address };
    this.#request = request;
    const decision = this.#handler[what](request, this);
    if (!(decision instanceof Promise)) {
      this.#decide(what, request, decision, command.transaction);
      return;
    }
    this.#state = 'deciding';
    this.#transport.pause();
    decision.then(
      (decided) => {
        // The publisher is gone already: what it was granted must not stay.
        if (this.#state !== 'deciding' && what === 'publish' && !('refused' in decided)) {
          decided.close('the publisher left');
        }
        this.#continue(() => {
          this.#decide(what, request, decided, command.transaction);
        });
      },
      (error: unknown) => {
        this.#continue(() => {
          throw error;
        });
      },
    );
  }

  /** Goes on after a decision took its time, with what came in the meantime. */
  #continue(decide: () => void): void {
    if (this.#state !== 'deciding') return;
    this.#state = 'connected';
    const held = this.#held;
    this.#held = [];
    this.#transport.attempt(() => {
      decide();
      for (const message of held) {
        // It may have been refused.
        if (this.state !== 'closing') this.#receive(message);
      }
      this.#drained();
    });
    if (this.state !== 'deciding') this.#transport.resume();
  }

  #decide(
    what: 'publish' | 'play',
    request: StreamRequest,
    decision: Relay | Refusal,
    transaction: number,
  ): void {
    if ('refused' in decision) {
      this.#refuse(what, decision, transaction);
      return;
    }
    this.#relay = decision;
    const now = performance.now();
    if (what === 'publish') {
      this.#state = 'publishing';
      this.#lastMessageAt = now;
      this.#transport.dataMessageBytes = this.#limits.dataMessageBytes;
      this.#transport.send(
        streamStatus('status', 'NetStream.Publish.Start', 'Start publishing', transaction),
      );
    } else {
      this.#state = 'playing';
      this.#pingedAt = now;
      this.#transport.send(
        streamEvent('streamBegin', STREAM_ID),
        streamStatus('status', 'NetStream.Play.Start', 'Start live', transaction),
      );
    }
    this.emit('granted', request, decision);
    if (what === 'play') this.#subscription = decision.subscribe(this);
  }

  #refuse(what: 'publish' | 'play', { refused, description }: Refusal, transaction: number): void {
    this.#transport.send(streamStatus('error', refusalCode(what, refused), description, transaction));
    this.#end({ code: 'refused', message: description });
  }

  #pause({ transaction, args }: Command): void {
    if (!this.#subscription) return;
    const isPaused = args[0] === true;
    this.#subscription.isPaused = isPaused;
    const code = isPaused ? 'NetStream.Pause.Notify' : 'NetStream.Unpause.Notify';
    this.#transport.send(streamStatus('status', code, '', transaction));
  }

  /** Ends publishing or playing; the client may ask for something else then. */
  #stop(): void {
    if (this.#state !== 'publishing' && this.#state !== 'playing') return;
    this.#state = 'connected';
    this.#setupAt = performance.now();
    this.#setupFrom = this.#transport.bytesReceived;
    this.#commands = 0;
    this.#release('the publisher stopped');
  }

  #release(reason: string): void {
    const relay = this.#relay;
    this.#relay = undefined;
    if (this.#subscription) {
      this.#subscription.close();
      this.#subscription = undefined;
    } else {
      relay?.close(reason);
    }
  }

  #end(reason: CloseReason): void {
    this.#state = 'closing';
    this.#closingAt = performance.now();
    this.#release(reason.message);
    this.#transport.end(reason);
  }

  #closed(reason: CloseReason): void {
    this.#state = 'closed';
    this.#held = [];
    this.#release(reason.message);
    this.emit('closed', reason);
  }

  #answer(transaction: number, ...values: AmfInput[]): void {
    if (transaction === 0) return;
    this.#transport.send(commandMessage(serializeCommand('_result', transaction, ...(values as [AmfInput]))));
  }

  #call(name: string, info: AmfInput): void {
    this.#transport.send(commandMessage(serializeCommand(name, 0, null, info)));
  }
}

function textAt(command: Command, index: number): string | undefined {
  const value = command.args[index];
  return typeof value === 'string' ? value : undefined;
}
