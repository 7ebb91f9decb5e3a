import type { About, AboutMinimal, ProcessState, RevokeRequest } from './api.ts';
import { Authentication, type ProviderToken, type StoredToken, type Tokens } from './authentication.ts';
import { Files } from './endpoints/files.ts';
import { Graph } from './endpoints/graph.ts';
import { Rtmp, Srt } from './endpoints/live.ts';
import { SystemMetadata } from './endpoints/metadata.ts';
import { Metrics } from './endpoints/metrics.ts';
import { Playout } from './endpoints/playout.ts';
import { Processes } from './endpoints/processes.ts';
import { Health, Log, Pages } from './endpoints/server.ts';
import { Sessions } from './endpoints/sessions.ts';
import { Settings } from './endpoints/settings.ts';
import { FfmpegSkills } from './endpoints/skills.ts';
import { MillraceError } from './error.ts';
import { type EventFilter, type EventOptions, eventsOf, follow, type ServerEvent } from './events.ts';
import { type CallOptions, Http } from './http.ts';
import { Transport } from './transport.ts';
import { toBase } from './url.ts';
import { type ExecState, waitForState, type WaitOptions } from './wait.ts';

/** Where the server is, and how to get in. */
export type ClientOptions = {
  /** Such as `http://127.0.0.1:8080`; with the path if the server is behind a proxy below one. */
  baseUrl: string | URL;
  /** A token of Auth0 or another OpenID Connect provider, or a function that fetches one: called for each login. */
  auth0Token?: ProviderToken | undefined;
  /** Of a session that goes on. */
  accessToken?: string | undefined;
  /** Of a session that goes on, or a function that tells the one that is stored by now: called for each new access token. */
  refreshToken?: StoredToken | undefined;
  /** Told the tokens whenever there are new ones, to store them. */
  onTokens?: ((tokens: Tokens) => void) | undefined;
  /** For all calls that do not say otherwise: how long the server may keep silent, in milliseconds; 30 seconds if left out. */
  timeout?: number | undefined;
  /** For all calls that do not say otherwise: how often to repeat what may be repeated; twice if left out. */
  retries?: number | undefined;
  /** In place of the platform's. */
  fetch?: typeof fetch | undefined;
} & ({ username: string; password: string } | { username?: undefined; password?: undefined });

/**
 * A client of the API of Millrace and datarhei Core v16.
 *
 * It logs in with the first call that needs it, gets new access tokens before they run out, and logs in again when the session
 * has ended. Every call fails with a MillraceError, or with the reason of its signal.
 */
export class Client {
  readonly processes: Processes;
  readonly playout: Playout;
  readonly files: Files;
  readonly config: Settings;
  readonly metadata: SystemMetadata;
  readonly metrics: Metrics;
  readonly sessions: Sessions;
  readonly skills: FfmpegSkills;
  readonly rtmp: Rtmp;
  readonly srt: Srt;
  readonly log: Log;
  readonly graph: Graph;
  readonly health: Health;
  readonly pages: Pages;
  /** The address of the server, without a slash at its end. */
  readonly baseUrl: string;
  readonly #authentication: Authentication;
  readonly #transport: Transport;

  /** Nothing is sent yet. Throws MillraceError for an address that is none. */
  constructor(options: ClientOptions) {
    this.baseUrl = toBase(options.baseUrl);
    const { fetch, timeout, retries } = options;
    const http = new Http({ fetch, timeout, retries });
    this.#authentication = new Authentication(http, this.baseUrl, options);
    const transport = new Transport(http, this.#authentication, this.baseUrl);
    this.#transport = transport;
    this.processes = new Processes(transport);
    this.playout = new Playout(transport);
    this.files = new Files(transport);
    this.config = new Settings(transport);
    this.metadata = new SystemMetadata(transport);
    this.metrics = new Metrics(transport);
    this.sessions = new Sessions(transport);
    this.skills = new FfmpegSkills(transport);
    this.rtmp = new Rtmp(transport);
    this.srt = new Srt(transport);
    this.log = new Log(transport);
    this.graph = new Graph(transport);
    this.health = new Health(transport);
    this.pages = new Pages(transport);
  }

  /**
   * Logs in with the user name and password, else with the Auth0 token, else gets a new access token for the refresh token. Not
   * needed before other calls: it shows early whether the credentials are right.
   */
  async login(options: CallOptions = {}): Promise<void> {
    await this.#authentication.login(options);
  }

  /** The present tokens. A client that is made with them continues the session. */
  tokens(): Tokens {
    return this.#authentication.tokens();
  }

  /** Gets a new access token for the refresh token now. The client does so by itself in time. */
  async refresh(options: CallOptions = {}): Promise<void> {
    await this.#authentication.refresh(options);
  }

  /** Exchanges both tokens for new ones; the old ones end. Millrace only. */
  async rotate(options: CallOptions = {}): Promise<void> {
    await this.#authentication.rotate(options);
  }

  /** Ends the session on the server and forgets its tokens. Millrace only. */
  async logout(options?: CallOptions): Promise<void> {
    await this.#transport.call('POST /api/logout', {}, options);
    this.#authentication.clear();
  }

  /** Ends all sessions, this one too, or only those of one subject. Millrace only. */
  async revoke(request: RevokeRequest = {}, options?: CallOptions): Promise<void> {
    await this.#transport.call('POST /api/v3/auth/revoke', { body: request }, options);
  }

  /** What the server is, and its version. Only the part for strangers if there is nothing to log in with. */
  about(options?: CallOptions): Promise<About | AboutMinimal> {
    return this.#transport.about(options);
  }

  /**
   * What happens on the server, as it happens. Lost connections are made again, and go on where they were cut off: no event
   * is missing and none comes twice. What the server has no longer is told by an event of type `gap`.
   *
   * @throws MillraceError: code `unsupported` if the server is no Millrace.
   */
  events(filter: EventFilter = {}, options?: EventOptions): AsyncGenerator<ServerEvent, void, undefined> {
    return eventsOf(follow(this.#transport, filter, options));
  }

  /**
   * Waits until a process is in a state (`exec`), or in one of several. Returns its state by then.
   *
   * @throws MillraceError: code `timeout`; `state` if it will not get there, with FFmpeg's reason in the details.
   */
  async waitFor(
    id: string,
    state: ExecState | readonly ExecState[],
    options: WaitOptions = {},
  ): Promise<ProcessState> {
    const wanted = typeof state === 'string' ? [state] : state;
    if (wanted.length === 0) throw new MillraceError('argument', 'there is no state to wait for');
    return waitForState(this.#transport, this.processes, id, wanted, options);
  }
}
