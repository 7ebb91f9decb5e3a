import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './setup.mjs';

/** Puts the page and the player library it needs into a folder that the server can serve as `/ui/`. */
export function assemblePage(folder) {
  mkdirSync(folder, { recursive: true });
  cpSync(path.join(ROOT, 'packages/server/page'), folder, { recursive: true });
  copyFileSync(path.join(ROOT, 'node_modules/hls.js/dist/hls.min.mjs'), path.join(folder, 'hls.js'));
}
