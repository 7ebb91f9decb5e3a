// Whether what a caller proposes in its conclusion is acceptable in live mode.
import {
  EXTENSION_FLAG,
  type Extensions,
  HS_FLAG,
  type Handshake,
  UDT_DATAGRAM,
  parseExtensions,
} from './handshake.ts';
import { type KeyMaterial, UnsupportedCipherError, parseKeyMaterial } from './key-material.ts';
import { MAX_MSS, MIN_MSS } from './packet.ts';
import { ProtocolError } from './protocol-error.ts';
import { REJECTION } from './rejection.ts';

/** The first version whose live mode is the one of today. */
const MIN_PEER_VERSION = 0x01_03_00;
const REQUIRED_FLAGS =
  HS_FLAG.tsbpdSender | HS_FLAG.tsbpdReceiver | HS_FLAG.tooLateDrop | HS_FLAG.retransmitFlag;

/** What it says besides the fixed part, or the code to refuse it with. */
export type CheckedProposal =
  { extensions: Extensions; material: KeyMaterial | undefined; code?: never } | { code: number };

/** Reads and checks a conclusion whose cookie is ours. Never throws for what a peer can send. */
export function checkProposal(handshake: Handshake, body: Buffer): CheckedProposal {
  const { version, mss, flowWindow } = handshake;
  if (version !== 4 && version !== 5) return { code: REJECTION.version };
  if (mss < MIN_MSS || mss > MAX_MSS || flowWindow === 0) return { code: REJECTION.rogue };
  if (version === 4) {
    return handshake.extensionField === UDT_DATAGRAM
      ? { extensions: {}, material: undefined }
      : { code: REJECTION.messageApi };
  }
  try {
    const extensions = parseExtensions(body);
    const material = extensions.kmreq && parseKeyMaterial(extensions.kmreq);
    const code = checkExtensions(handshake, extensions);
    return code === undefined ? { extensions, material } : { code };
  } catch (error) {
    if (error instanceof UnsupportedCipherError) return { code: REJECTION.crypto };
    if (error instanceof ProtocolError) return { code: REJECTION.rogue };
    throw error;
  }
}

function checkExtensions(
  { extensionField }: Handshake,
  { hsreq, kmreq, congestion }: Extensions,
): number | undefined {
  if ((extensionField & EXTENSION_FLAG.hs) === 0 || hsreq === undefined) return REJECTION.rogue;
  // What was cut off must not pass for a caller that does not encrypt.
  if ((extensionField & EXTENSION_FLAG.km) !== 0 && kmreq === undefined) return REJECTION.rogue;
  if (hsreq.version < MIN_PEER_VERSION) return REJECTION.version;
  if ((hsreq.flags & HS_FLAG.stream) !== 0) return REJECTION.messageApi;
  if ((hsreq.flags & REQUIRED_FLAGS) !== REQUIRED_FLAGS) return REJECTION.rogue;
  if (congestion !== undefined && congestion !== 'live') return REJECTION.congestion;
  return undefined;
}
