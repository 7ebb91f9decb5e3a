#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Most of a start is reading the modules. What was read once is kept for the next start, if there is a place for it.
// Only what is loaded from here on: were it done by a source in TypeScript, that one would have to be translated each time.
enableCompileCache();
await import('#main');
