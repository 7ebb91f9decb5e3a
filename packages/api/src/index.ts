export { ApiErrorBody } from './error.ts';
