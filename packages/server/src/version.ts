/** What the server says of its version: that of the API it offers, and how it was built. */
export const VERSION = { number: '16.16.0', commit: '', branch: '', buildDate: '' };
