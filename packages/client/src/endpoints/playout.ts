import type { PlayoutStatus } from '../api.ts';
import type { Bytes } from '../body.ts';
import type { CallOptions } from '../http.ts';
import type { Transport } from '../transport.ts';
import { processId } from '../url.ts';

/** The players of inputs, which only a patched FFmpeg has. */
export class Playout {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** What the player of an input does. */
  status(id: string, inputid: string, options?: CallOptions): Promise<PlayoutStatus> {
    const input = { path: { id: processId(id), inputid } };
    return this.#transport.call('GET /api/v3/process/{id}/playout/{inputid}/status', input, options);
  }

  /** Closes the stream of an input, which is opened anew. Returns what the player says. */
  reopen(id: string, inputid: string, options?: CallOptions): Promise<string> {
    const input = { path: { id: processId(id), inputid }, isRepeatable: false };
    return this.#transport.call('GET /api/v3/process/{id}/playout/{inputid}/reopen', input, options);
  }

  /** The last key frame as a picture: PNG if the name ends with `.png`, else JPEG. */
  async keyframe(id: string, inputid: string, name: string, options?: CallOptions): Promise<Blob> {
    const input = { path: { id: processId(id), inputid, name } };
    const route = 'GET /api/v3/process/{id}/playout/{inputid}/keyframe/{name*}';
    return (await this.#transport.open(route, input, options)).blob();
  }

  /** Uploads the picture that is shown while an input gives nothing. */
  async setErrorFrame(
    id: string,
    inputid: string,
    name: string,
    picture: Bytes,
    options?: CallOptions,
  ): Promise<void> {
    const input = errorFrame(id, inputid, name, picture);
    await this.#transport.call(
      'PUT /api/v3/process/{id}/playout/{inputid}/errorframe/{name*}',
      input,
      options,
    );
  }

  /** As `setErrorFrame`, by the method that servers before 16.12 know. */
  async postErrorFrame(
    id: string,
    inputid: string,
    name: string,
    picture: Bytes,
    options?: CallOptions,
  ): Promise<void> {
    const input = errorFrame(id, inputid, name, picture);
    await this.#transport.call(
      'POST /api/v3/process/{id}/playout/{inputid}/errorframe/{name*}',
      input,
      options,
    );
  }

  /** Has the error frame encoded as the input is. */
  async encodeErrorFrame(id: string, inputid: string, options?: CallOptions): Promise<void> {
    const input = { path: { id: processId(id), inputid } };
    await this.#transport.call(
      'GET /api/v3/process/{id}/playout/{inputid}/errorframe/encode',
      input,
      options,
    );
  }

  /** Switches an input to another address. */
  async setStream(id: string, inputid: string, address: string, options?: CallOptions): Promise<void> {
    const input = { path: { id: processId(id), inputid }, body: address, contentType: 'text/plain' };
    await this.#transport.call('PUT /api/v3/process/{id}/playout/{inputid}/stream', input, options);
  }
}

/** What both ways of uploading an error frame send. */
function errorFrame(id: string, inputid: string, name: string, picture: Bytes) {
  return {
    path: { id: processId(id), inputid, name },
    body: picture,
    contentType: 'application/octet-stream',
  };
}
