import type { Connection } from './connection.ts';
import type { KeyDerivation } from './crypto.ts';
import { checkPassphrase } from './crypto.ts';
import type { Extensions, Handshake } from './handshake.ts';
import type { KeyLength, KeyMaterial } from './key-material.ts';
import { type SessionKeys, openSessionKeys } from './keys.ts';
import { REJECTION, RejectionError } from './rejection.ts';
import type { Remote } from './wire.ts';

/** What a caller sent, after it was checked. */
export interface CallerProposal {
  handshake: Handshake;
  extensions: Extensions;
  material: KeyMaterial | undefined;
  remote: Remote;
  /** ms; when the conclusion arrived. */
  arrivedAt: number;
  /** What it was stamped with. */
  timestamp: number;
}

/** What decides about a request has of the listener. */
export interface RequestHost {
  derivation: KeyDerivation;
  /** Whether one more passphrase may be checked for this address now. */
  mayCheckSecret(address: string): boolean;
  accepted(request: CallerRequest, options: AcceptOptions): Connection;
  rejected(request: CallerRequest, code: number): void;
}

export interface AcceptOptions {
  /** ms; instead of the listener's. The larger of it and what the peer asks for counts. */
  receiveLatency?: number;
  sendLatency?: number;
}

/** A caller that waits for a decision: exactly one of {@link accept} and {@link reject}. */
export class CallerRequest {
  readonly remote: Remote;
  /** As the caller sent it; empty if it sent none, as those of version 4. */
  readonly streamId: string;
  /** 5, or 4 for peers before libsrt 1.3, which always publish, and bring their keys after the handshake. */
  readonly handshakeVersion: number;
  /** Of the peer's library, 0x010501 is 1.5.1; 0 for version 4. */
  readonly peerVersion: number;
  /** Bytes of the caller's key; undefined if it does not encrypt, or does not tell, as in version 4. */
  readonly keyLength: KeyLength | undefined;
  /** What the listener needs to answer. */
  readonly proposal: CallerProposal;
  readonly #host: RequestHost;
  #state: 'pending' | 'accepted' | 'rejected' = 'pending';
  #keys: SessionKeys | undefined;
  #passphrase: string | undefined;

  constructor(proposal: CallerProposal, host: RequestHost) {
    this.proposal = proposal;
    this.remote = proposal.remote;
    this.streamId = proposal.extensions.streamId ?? '';
    this.handshakeVersion = proposal.handshake.version;
    this.peerVersion = proposal.extensions.hsreq?.version ?? 0;
    this.keyLength = proposal.material?.keyLength;
    this.#host = host;
  }

  get isEncrypted(): boolean {
    return this.keyLength !== undefined;
  }

  /** Whether there is a decision, which may be that the caller waited too long. */
  get isDecided(): boolean {
    return this.#state !== 'pending';
  }

  /** What {@link unlock} found. */
  get keys(): SessionKeys | undefined {
    return this.#keys;
  }

  /** With which a peer of version 4 has to encrypt. */
  get passphrase(): string | undefined {
    return this.#passphrase;
  }

  /**
   * Demands that the caller encrypts with this passphrase. It costs a millisecond of a thread, so let it be the last check.
   *
   * @throws RejectionError with `badSecret` if the passphrase is another, `unsecure` if the caller does not encrypt,
   * `resource` if too many are checked already. Thrown out of the listener's handler, it rejects the request.
   * @throws RangeError if the passphrase is shorter than 10 or longer than 80 bytes.
   */
  async unlock(passphrase: string): Promise<void> {
    checkPassphrase(passphrase);
    const { material } = this.proposal;
    this.#passphrase = passphrase;
    if (this.handshakeVersion === 4) return;
    if (material === undefined) throw new RejectionError(REJECTION.unsecure);
    if (!this.#host.mayCheckSecret(this.remote.address)) throw new RejectionError(REJECTION.resource);
    const keys = await openSessionKeys(passphrase, material, this.#host.derivation);
    if (keys === 'busy') throw new RejectionError(REJECTION.resource);
    if (keys === undefined) throw new RejectionError(REJECTION.badSecret);
    this.#keys = keys;
  }

  /**
   * Lets the caller in. The connection lives at once: attach to its events in the same turn.
   *
   * @throws RejectionError with `unsecure` if the caller encrypts and was not unlocked, `timeout` if it was given up meanwhile.
   */
  accept(options: AcceptOptions = {}): Connection {
    if (this.#state !== 'pending')
      throw new RejectionError(REJECTION.timeout, `request already ${this.#state}`);
    if (this.isEncrypted && this.#keys === undefined) throw new RejectionError(REJECTION.unsecure);
    this.#state = 'accepted';
    return this.#host.accepted(this, options);
  }

  /** Refuses the caller; does nothing if there is a decision. `code` as on the wire, see `REJECTION`. */
  reject(code: number = REJECTION.peer): void {
    if (this.#state !== 'pending') return;
    this.#state = 'rejected';
    this.#host.rejected(this, code);
  }
}
